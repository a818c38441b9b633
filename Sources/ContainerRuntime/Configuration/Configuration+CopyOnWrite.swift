internal import LinuxSystem

/// Parts of the host's tree that the container sees, and files that the runtime makes.
extension Configuration {
    /// A directory of the host that the container sees and writes to without changing it.
    public struct CopyOnWriteTree: Sendable, Hashable {
        /// On the host, absolute.
        public var path: String
        /// The directory that keeps the writes, absolute; nil: they are discarded.
        public var upper: String?
        /// Whether something reads the upper when the container has ended.
        public var isRead = false
        /// Among the trees, counted from 0.
        public var number: Int
    }

    /// A file that the runtime makes in the container's tree.
    public struct MadeFile: Sendable {
        /// In the container, absolute.
        public var path: String
        public var content: Content
        /// Permission bits; nil: those of the source, or 0755 and 0644.
        public var mode: UInt32?
        public var origin: Origin

        public enum Content: Sendable, Hashable {
            case text(String)
            /// As many bytes of the file of the job, from where it is read.
            case ofJob(Int)
            /// A file of the host, absolute; `number` counts the sources from 0.
            case source(String, number: Int)
            /// Files of a directory of the host, which is a source, too.
            case files([String], of: String, number: Int)
            /// A symbolic link.
            case link(String)
            case directory
        }

        /// Whether mounts may lie in it or lead through it.
        var isPlace: Bool {
            switch content {
            case .link, .directory: true
            case .text, .ofJob, .source, .files: false
            }
        }
    }
}

extension Configuration {
    /// The directories of the uppers on a disk.
    var keptUppers: [String] {
        var found = trees.compactMap(\.tree.upper)
        if case .overlay(let overlay) = root.source, case .kept(let directory) = overlay.upper {
            found.append(directory.value)
        }
        return found
    }

    /// Whether an upper that lies in its own layer is out of the container's sight: another mount
    /// lies on it, or on a directory above it.
    ///
    /// - Parameters:
    ///   - layer: Absolute, as `destination` shows it.
    func hides(upper: String, in layer: String, at destination: String) -> Bool {
        let upper = PathText.cleaned(upper)
        let layer = PathText.cleaned(layer)
        guard upper.lies(below: layer) else { return false }
        let inside = PathText.cleaned(
            destination + "/" + upper.dropFirst(layer == "/" ? 0 : layer.count))
        return mounts.contains { mount in
            let place = PathText.cleaned(mount.destination)
            guard case .fileSystem = mount.kind, place.lies(below: destination) else {
                return false
            }
            return place == inside || inside.lies(below: place)
        }
    }
}
