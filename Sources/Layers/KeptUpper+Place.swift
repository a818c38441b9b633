internal import LinuxSystem
internal import SystemPackage

/// An upper in a layer would be seen by every container that lies on it.
extension KeptUpper {
    static func requireOutside(_ path: String, _ layers: [String]) throws(Failure) {
        guard let found = try attempt("open", on: path, try layer(around: path, layers)) else {
            return
        }
        throw Failure(
            "the upper \"\(path)\" lies inside the layer \"\(found)\"; name a directory outside of"
                + " all layers")
    }

    private static func layer(
        around path: String, _ layers: [String]
    ) throws(Errno) -> String? {
        let place = try nearest(path)
        if let found = try layer(around: place, layers) { return found }
        return try storedLayer(around: place)
    }

    /// The lowest directory of the path that exists.
    private static func nearest(_ path: String) throws(Errno) -> LayerDirectory {
        var path = path[...]
        while true {
            do throws(Errno) {
                let name = path.isEmpty ? "." : String(path)
                return LayerDirectory(try HostPath.open(name, [.path, .directory]), layer: 0)
            } catch .noSuchFileOrDirectory where !path.isEmpty && path != "/" {
                while path.last == "/" { path.removeLast() }
                guard let slash = path.lastIndex(of: "/") else {
                    path = ""
                    continue
                }
                path = slash == path.startIndex ? "/" : path[..<slash]
            }
        }
    }

    private static func layer(
        around start: LayerDirectory, _ layers: [String]
    ) throws(Errno) -> String? {
        var known: [(path: String, status: FileStatus)] = []
        for path in layers {
            // One that is not there is refused by the step that opens it.
            if let status = try unlessMissing(try FileStatus.of(path: path)) {
                known.append((path, status))
            }
        }
        var place = start
        var status = try FileStatus.of(place.borrowed)
        // The root is its own parent; a path has no more names than these.
        for _ in 0..<4096 {
            if let found = known.first(where: { $0.status.isSame(as: status) }) {
                return found.path
            }
            let parent = try place.borrowed.open("..", [.path, .directory])
            let above = try FileStatus.of(parent.borrowed)
            if above.isSame(as: status) { return nil }
            place = LayerDirectory(parent, layer: 0)
            status = above
        }
        return nil
    }

    /// A layer that an image has been unpacked to: `…/sha256/` and 64 digits.
    private static func storedLayer(around place: LayerDirectory) throws(Errno) -> String? {
        let path = try HostPath.linkTarget("/proc/self/fd/\(place.borrowed.rawValue)")
        let names = path.split(separator: "/")
        for (index, name) in names.enumerated().dropFirst()
        where names[index - 1] == "sha256" && name.utf8.count == 64 {
            if name.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) {
                return "/" + names[...index].joined(separator: "/")
            }
        }
        return nil
    }
}
