internal import LinuxSystem
internal import SystemPackage

extension OverlayFacts {
    /// A directory as it can be compared.
    struct Place: Hashable {
        var path: String
        /// Device and inode from the directory up to the root, itself first.
        var ancestors: [Identity]
        var mountID: UInt64
        var hasVolatileMark: Bool
        var isReadOnly: Bool

        struct Identity: Hashable {
            var device: UInt64
            var inode: UInt64
        }

        init(_ directory: OverlayDirectory) {
            path = directory.path
            // It only tells what may have gone wrong.
            mountID = (try? directory.borrowed.mountID()) ?? 0
            ancestors = Place.ancestors(of: directory.borrowed)
            isReadOnly = directory.borrowed.isOnReadOnlyFileSystem
            hasVolatileMark = Place.hasVolatileMark(in: directory.borrowed)
        }

        /// Whether `work/incompat/volatile` is there, which overlayfs leaves in its work directory.
        private static func hasVolatileMark(in directory: FileDescriptor) -> Bool {
            do {
                let work = try directory.open("work", [.path, .directory])
                let incompatible = try work.borrowed.open("incompat", [.path, .directory])
                _ = try FileStatus.of("volatile", in: incompatible.borrowed)
                return true
            } catch {
                return false
            }
        }

        private static func ancestors(of directory: FileDescriptor) -> [Identity] {
            var found: [Identity] = []
            guard var current = try? OwnedDescriptor.duplicate(directory) else { return [] }
            while found.count < 4096, let status = try? FileStatus.of(current.borrowed) {
                let identity = Identity(device: status.device, inode: status.inode)
                if identity == found.last { break }
                found.append(identity)
                guard let parent = try? current.borrowed.open("..", [.path, .directory]) else {
                    break
                }
                current = parent
            }
            return found
        }

        func isSame(as other: Place) -> Bool { ancestors.first == other.ancestors.first }

        func isInside(_ other: Place) -> Bool {
            guard let top = other.ancestors.first else { return false }
            return ancestors.dropFirst().contains(top)
        }

        /// The same, and on the way there no other file system begins.
        func isInsideOnOneFileSystem(_ other: Place) -> Bool {
            guard let own = ancestors.first, let top = other.ancestors.first else { return false }
            return ancestors.prefix { $0.device == own.device }.dropFirst().contains(top)
        }
    }
}
