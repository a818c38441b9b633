internal import LinuxSystem
internal import SystemPackage

/// Files of an upper that it names by the paths they had in the layers below (redirect_dir,
/// metacopy): where something is changed there, the upper shows other files.
struct MovedFiles {
    /// Where they are, and were.
    private var paths: Set<LayerPath> = []
    /// The directories above those.
    private var above: Set<LayerPath> = []

    var isEmpty: Bool { paths.isEmpty }

    mutating func note(_ node: TreeWalk.Node) {
        if !node.isMoved && node.found?.isMetacopy != true { return }
        note(node.path)
        if let origin = node.origin { note(origin) }
    }

    private mutating func note(_ path: LayerPath) {
        paths.insert(path)
        for directory in path.directories {
            if !above.insert(directory).inserted { return }
        }
    }

    /// Those of a whole upper.
    mutating func noteAll(of stack: LayerStack, uppers: Int) throws(Failure) {
        var walk = TreeWalk(stack, .changes, uppers: uppers)
        while let node = try walk.next() {
            try attempt("poll", on: node.path, try Interruption.check())
            note(node)
        }
    }

    /// Whether one of them lies at the path, above it or below it.
    func meet(_ path: LayerPath) -> Bool {
        paths.contains(path) || above.contains(path)
            || path.directories.contains { paths.contains($0) }
    }
}

extension LayerPath {
    /// The directories above it but the root, the nearest first.
    fileprivate var directories: [LayerPath] {
        bytes.indices.reversed().filter { bytes[$0] == 0x2f }.map {
            LayerPath(bytes: Array(bytes[..<$0]))
        }
    }
}
