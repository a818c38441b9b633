internal import LinuxSystem
internal import SystemPackage

/// `vfs.files` with `content` or `source`.
struct WriteFile: ContainerStep {
    static let manual = StepManual(
        "write a file",
        what: """
            Writes a file in the container's tree, in place of one that is there. It belongs to \
            the program's user.
            """,
        why: "After the mounts, in which it may lie.",
        calls: "openat2, openat, unlinkat, write, fchownat, fchmod")

    let file: Configuration.MadeFile
    let user: Configuration.User

    var summary: String {
        if case .source(let path, _) = file.content { return "copy \(path) to \(file.path)" }
        return "write \(file.path)"
    }
    var needs: Provisions {
        if case .source = file.content { [.root, .fileSources] } else { [.root] }
    }

    func shell(_ commands: inout ShellCommands) {
        switch file.content {
        case .text(let text): commands.run("printf %s", .value(text), ">", .path(file.path))
        case .source(let source, _):
            commands.run("cp", "--", .value(source), .path(file.path))
        case .ofJob, .files, .link, .directory:
            commands.note("No command: its bytes are no text.")
            return
        }
        let mode = file.mode.map { String($0, radix: 8) } ?? "644"
        commands.run("chmod", .value(mode), .path(file.path))
        commands.run("chown", .value("\(user.userID):\(user.groupID)"), .path(file.path))
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let place = try context.place(file.path)
        let parent = try attempt(
            "openat2", on: file.path, advice: advice, try place.makeParent())
        let directory = parent.directory.borrowed
        let made = try attempt(
            "openat", on: file.path, advice: advice, try directory.makeAnew(parent.name))
        var mode = file.mode ?? 0o644
        switch file.content {
        case .text(let text):
            try attempt("write", on: file.path, try made.borrowed.write(all: Array(text.utf8)))
        case .ofJob(let count):
            guard let job = context.handover.job else {
                throw Failure("there is no file of the job")
            }
            try attempt("write", on: file.path, try copy(job.borrowed, to: made.borrowed, count))
        case .source(_, let number):
            let sources = context.handover.fileSources
            let source = try (sources.indices.contains(number) ? sources[number] : nil)
                .given(.fileSources)
            let status = try attempt(
                "fstat", on: file.path, try FileStatus.of(source.borrowed))
            if file.mode == nil && status.kind == .regular { mode = status.permissions & 0o777 }
            try attempt("write", on: file.path, try copy(source.borrowed, to: made.borrowed))
        case .link, .directory, .files: break
        }
        try attempt("fchownat", on: file.path, try directory.giveToProgram(parent.name, user))
        try attempt("fchmod", on: file.path, try made.borrowed.changeMode(mode))
    }

    private func copy(
        _ source: FileDescriptor, to made: FileDescriptor, _ count: Int = .max
    ) throws(Errno) {
        var buffer = [UInt8](repeating: 0, count: max(min(count, 1 << 16), 1))
        try source.copy(to: made, &buffer, count)
    }

    private func advice(_ error: Errno) -> String? {
        switch error {
        case .readOnlyFileSystem:
            "it lies in a read-only mount; name a file in the working directory, in /tmp or in a"
                + " directory that is not there"
        case .isDirectory: "a directory of that name is there"
        default: nil
        }
    }
}

extension FileDescriptor {
    /// A new file in this directory: what has the name now may be a link, or have other names.
    func makeAnew(_ name: String) throws(Errno) -> OwnedDescriptor {
        do throws(Errno) {
            return try open(name, [.create, .exclusive, .writeOnly], mode: 0o600)
        } catch .fileExists {
            try remove(name)
            return try open(name, [.create, .exclusive, .writeOnly], mode: 0o600)
        }
    }

    /// Writes what is left in this file to another one, and no more than `most` bytes of it.
    func copy(
        to other: FileDescriptor, _ buffer: inout [UInt8], _ most: Int = .max
    ) throws(Errno) {
        var left = most
        while left > 0 {
            if left < buffer.count { buffer.removeLast(buffer.count - left) }
            let count = try readSome(&buffer)
            if count == 0 { return }
            try other.write(all: Array(buffer[..<count]))
            left -= count
        }
    }
}
