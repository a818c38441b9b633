internal import LinuxSystem
internal import SystemPackage

/// `vfs.files` with `target` or `directory`.
struct MakePlace: ContainerStep {
    static let manual = StepManual(
        "make a link or a directory",
        what: """
            Makes a symbolic link or a directory in the container's tree. It belongs to the \
            program's user. A directory that exists gets the mode that the config names.
            """,
        why: "Before the mounts, which may lie in it or lead through it.",
        calls: "openat2, mkdirat, symlinkat, fchownat, fchmodat")

    let file: Configuration.MadeFile
    let user: Configuration.User

    var summary: String {
        if case .link(let target) = file.content { return "link \(file.path) to \(target)" }
        let mode = file.mode.map { " " + String($0, radix: 8) } ?? ""
        return "make the directory \(file.path)\(mode)"
    }
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        switch file.content {
        case .link(let target): commands.run("link", .value(target), .path(file.path))
        default:
            commands.run("directory", .path(file.path))
            if let mode = file.mode {
                commands.run("chmod", .value(String(mode, radix: 8)), .path(file.path))
            }
        }
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let place = try context.place(file.path)
        let parent = try attempt("openat2", on: file.path, try place.makeParent())
        let directory = parent.directory.borrowed
        if case .link(let target) = file.content {
            // As an earlier run over the same upper has made it.
            if directory.isLink(parent.name, to: target) { return }
            return try attempt(
                "symlinkat", on: file.path,
                advice: { $0 == .fileExists ? "a file of that name is there" : nil },
                try directory.makeSymbolicLink(parent.name, to: target))
        }
        try attempt("mkdirat", on: file.path, try make(parent.name, in: directory))
    }

    private func make(_ name: String, in parent: FileDescriptor) throws(Errno) {
        do throws(Errno) {
            try parent.makeDirectory(name, mode: file.mode ?? 0o755)
            try parent.giveToProgram(name, user)
        } catch .fileExists {
            let found = try FileStatus.of(name, in: parent)
            if found.kind != .directory { throw .notDirectory }
            guard let mode = file.mode, mode != found.permissions else { return }
        }
        if let mode = file.mode {
            // By descriptor: the name could be exchanged for a link.
            let directory = try parent.open(name, [.readOnly, .directory])
            try directory.borrowed.changeMode(mode)
        }
    }
}

extension FileDescriptor {
    fileprivate func isLink(_ name: String, to target: String) -> Bool {
        do throws(Errno) {
            return try linkTarget(name) == target
        } catch {
            return false
        }
    }

    /// The init process may make files as another user than the program's.
    func giveToProgram(_ name: String, _ user: Configuration.User) throws(Errno) {
        let made = try FileStatus.of(name, in: self)
        if (made.userID, made.groupID) == (user.userID, user.groupID) { return }
        try changeOwner(name, user: user.userID, group: user.groupID)
    }
}
