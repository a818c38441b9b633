#ifndef CONFINEMENT_H
#define CONFINEMENT_H

/// Restricts this process with Landlock: it can write, make, rename and remove files only below the
/// directories of `paths`, send signals only to itself, and open no connection.
///
/// @return 0, or −1 with errno: ENOSYS or EOPNOTSUPP if the kernel has no Landlock.
int confine_writing(const char *_Nonnull const *_Nonnull paths, int count);

#endif
