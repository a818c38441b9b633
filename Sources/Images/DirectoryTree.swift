internal import LinuxSystem
internal import SystemPackage

/// An image layout as a directory. Its files are not trusted: no link leads out of it.
final class DirectoryTree: FileTree {
    let name: String
    private let root: RootDirectory

    init(_ path: String) throws(Failure) {
        name = path
        root = RootDirectory(
            try attempt("open", on: path, try HostPath.open(path, [.path, .directory])))
    }

    func file(_ path: String) throws(Failure) -> Blob {
        try attempt("open", on: "\(name)/\(path)", try open(path))
    }

    private func open(_ path: String) throws(Errno) -> Blob {
        let handle = try root.open(path, .path)
        if try FileStatus.of(handle.borrowed).kind != .regular { throw .invalidArgument }
        let file = try root.open(path, [.readOnly, .nonBlocking, .noControllingTerminal])
        let status = try FileStatus.of(file.borrowed)
        if status.kind != .regular { throw .invalidArgument }
        return Blob(file: file, range: 0..<status.size, name: "\(name)/\(path)")
    }
}
