extension Program {
    /// The path of a program of the host, as a shell would find it.
    ///
    /// - Parameters:
    ///   - name: Without a slash.
    ///   - folders: Directories with a colon in between; relative ones are passed over.
    /// - Returns: Nil where none of them has it.
    public static func find(_ name: String, in folders: String = searchPath) -> String? {
        for folder in folders.split(separator: ":") where folder.hasPrefix("/") {
            let path = "\(folder)/\(name)"
            guard (try? FileStatus.of(path: path))?.kind == .regular,
                (try? CurrentProcess.checkMayExecute(path)) != nil
            else { continue }
            return path
        }
        return nil
    }

    /// The caller's PATH, and where it has none that of a system's root.
    public static var searchPath: String {
        CurrentProcess.environment("PATH") ?? "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
    }
}
