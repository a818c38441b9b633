internal import ContainerRuntime
internal import LinuxSystem
internal import OCISpec

extension Option {
    fileprivate static let man = Option("man", "print the man page (roff)")
    fileprivate static let steps = Option(
        "steps", "print what each step of a start does, and why it stands there (Markdown)")
    fileprivate static let schema = Option("schema", "print the JSON schema of config.json")
    fileprivate static let completion = Option(
        "completion", value: "SHELL", completes: .words(["bash", "zsh", "fish"]),
        "print the completions for bash, zsh or fish")
}

extension Command {
    /// `vfs-run help [COMMAND]`
    static let help = Command(
        name: "help", summary: "describe a command", operands: "[COMMAND]",
        details: [
            "Without COMMAND, lists the commands. --man and --completion are generated from the"
                + " tables that parse the options."
        ],
        options: [.man, .steps, .schema, .completion],
        run: { arguments throws(Failure) in
            if arguments.has(.man) {
                try Output.write(ManPage.text)
                return 0
            }
            if arguments.has(.steps) {
                try Output.write(StepManual.page)
                return 0
            }
            if arguments.has(.schema) {
                try Output.write(SpecSchema.text)
                return 0
            }
            if let shell = arguments.value(.completion) {
                guard let text = Completions.text(shell) else {
                    throw Failure("no completions for \"\(shell)\"; use bash, zsh or fish")
                }
                try Output.write(text)
                return 0
            }
            guard let name = arguments.operands.first else {
                try Output.write(HelpText.overview)
                return 0
            }
            guard let command = CommandName(rawValue: name)?.command else {
                throw Failure(unknownSentence(name))
            }
            try Output.write(HelpText.of(command))
            return 0
        })

    /// Commands of Docker and podman, and those that serve the same purpose here.
    private static let counterparts = [
        "rm": "delete", "stop": "kill", "inspect": "state", "ls": "list", "version": "--version",
        "stats": "events", "unpause": "resume", "top": "ps", "info": "doctor", "rename": "create",
        "images": "layers", "history": "layers", "build": "pack", "save": "pack", "load": "unpack",
        "import": "unpack", "cp": "diff", "prune": "discard", "attach": "exec",
    ]

    /// What has no command here, and what is done instead.
    private static let otherWays = [
        "pull":
            "images of a registry are fetched by \"skopeo copy docker://IMAGE oci:DIR:TAG\", and"
            + " \"vfs-run unpack oci:DIR:TAG BUNDLE\" makes a bundle of one",
        "logs":
            "what a program writes goes to the streams of its caller: \"vfs-run run ID > FILE\"",
        "wait": "\"vfs-run run ID\" waits, and exits with the code of the program",
        "push":
            "\"vfs-run pack BUNDLE IMAGE\" writes an image, and skopeo(1) copies it to a registry",
    ]

    /// What to do with a directory or an archive that has no config; nil for anything else.
    static func rootFileSystem(_ name: String) -> String? {
        guard let kind = (try? FileStatus.of(path: name))?.kind,
            (try? FileStatus.of(path: name + "/config.json")) == nil
        else { return nil }
        let isRoot = ["bin", "usr", "lib"].contains {
            (try? FileStatus.of(path: "\(name)/\($0)")) != nil
        }
        let isArchive =
            kind == .regular
            && [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz"].contains {
                name.hasSuffix($0)
            }
        guard kind == .directory && isRoot || isArchive else { return nil }
        let path = name.contains("/") ? name : "./" + name
        return
            "to run a program in this \(isArchive ? "archive" : "root file system"): \"vfs-run sandbox"
            + " --base \(path) -- sh\""
    }

    static func unknownSentence(_ name: String) -> String {
        if let way = otherWays[name] { return "unknown command \"\(name)\": \(way)" }
        if let root = rootFileSystem(name) { return "unknown command \"\(name)\"; \(root)" }
        for path in [name, name + "/config.json"] {
            guard let status = try? FileStatus.of(path: path), status.kind == .regular else {
                continue
            }
            return "unknown command \"\(name)\"; did you mean \"vfs-run ./\(path)\"?"
        }
        let near =
            counterparts[name] ?? nearestName(to: name, in: CommandName.allCases.map(\.rawValue))
        let guess = near.map { "did you mean \"\($0)\"?" } ?? "see \"vfs-run help\""
        return
            "unknown command \"\(name)\" (paths of configs contain \"/\" or end in .json); \(guess)"
    }
}
