internal import LinuxSystem
internal import SystemPackage

/// A path that may be missing.
enum PathTarget {
    /// Nil where there is nothing: kernels differ in what they have in procfs and sysfs, and what
    /// is not there needs no mask.
    static func open(
        _ path: String, _ context: ContainerContext
    ) throws(Failure) -> (HeldDescriptor, isDirectory: Bool)? {
        let place = try context.place(path)
        let target: HeldDescriptor
        do throws(Errno) {
            target = HeldDescriptor(try place.open(.path))
        } catch .noSuchFileOrDirectory, .notDirectory {
            return nil
        } catch {
            throw Failure(
                "openat2", path.inQuotes, error,
                advice: error == .tooManySymbolicLinkLevels
                    ? "name what the symbolic link in it leads to" : nil)
        }
        let found = try attempt("fstat", on: path, try FileStatus.of(target.borrowed))
        if !place.isInMount {
            let top = try attempt(
                "fstat", on: "/", try FileStatus.of(place.root.directory.borrowed))
            // Through a link of the image: a mount on the root would not be seen from inside.
            if found.inode == top.inode && found.device == top.device {
                throw Failure("\(path.inQuotes) leads to the root itself")
            }
        }
        return (target, found.kind == .directory)
    }
}
