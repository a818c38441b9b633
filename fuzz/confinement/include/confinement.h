#ifndef CONFINEMENT_H
#define CONFINEMENT_H

/// From now on this process writes, makes, renames and removes files below the directories of
/// `paths` alone, sends signals to itself alone, and opens no connection (Landlock).
///
/// @return 0, or −1 with errno: ENOSYS or EOPNOTSUPP where the kernel has no Landlock.
int confine_writing(const char *_Nonnull const *_Nonnull paths, int count);

#endif
