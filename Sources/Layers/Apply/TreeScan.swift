internal import LinuxSystem
internal import SystemPackage

/// Goes through everything below a directory of the tree, without following links or entering mount
/// points: a level of open directories for each directory on the way.
struct TreeScan {
    private struct Level {
        var path: LayerPath
        var directory: LayerDirectory
        var names: FileNameList
        var position = 0
    }

    private var levels: [Level] = []
    private static let mostLevels = 4096

    /// - Parameter directory: Open for reading.
    init(_ directory: LayerDirectory, _ path: LayerPath) throws(Failure) {
        try enter(directory, path)
    }

    private mutating func enter(
        _ directory: LayerDirectory, _ path: LayerPath
    ) throws(Failure) {
        if levels.count > TreeScan.mostLevels {
            throw Failure(
                "the tree is nested too deep: more than \(TreeScan.mostLevels) directories above a"
                    + " file; remove what lies there")
        }
        let names = try attempt("readdir", on: path, try FileNameList(of: directory.borrowed))
        levels.append(Level(path: path, directory: directory, names: names))
    }

    /// The next file; nil at the end. A file that was removed meanwhile is left out.
    mutating func next() throws(Failure) -> (path: LayerPath, status: FileStatus)? {
        while !levels.isEmpty {
            try attempt("poll", on: levels[0].path, try Interruption.check())
            let last = levels.count - 1
            if levels[last].position >= levels[last].names.count {
                levels.removeLast()
                continue
            }
            let name = levels[last].names[levels[last].position]
            levels[last].position += 1
            let path = levels[last].path.appending(name)
            let directory = levels[last].directory
            let found = try attempt(
                "stat", on: path, try AppliedTree.status(name, in: directory.borrowed))
            guard let status = found else { continue }
            if status.kind == .directory {
                let opened = try attempt(
                    "openat2", on: path,
                    try directory.borrowed.openBeneath(name, [.readOnly, .directory]))
                try enter(LayerDirectory(opened, layer: 0), path)
            }
            return (path, status)
        }
        return nil
    }
}
