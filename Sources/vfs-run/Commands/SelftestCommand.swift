internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import Selftest
internal import SystemPackage

extension Option {
    fileprivate static let with = Option(
        "with", value: "TOOL,…", completes: .words(["bwrap", "crun"]),
        "try the same in sandboxes of bwrap and crun, where they are installed")
    fileprivate static let inside = Option(
        "inside", "make the attempts in this process and print JSON; for any other sandbox")
}

extension Command {
    /// `vfs-run selftest`
    static let selftest = Command(
        name: "selftest", summary: "try to leave a sandbox, and print what holds on this system",
        operands: "[FACT=VALUE…]",
        details: [
            "Makes a sandbox with the strict seccomp profile, an init, a user namespace, Landlock"
                + " where the kernel has it, and no network, tries in it what a program could do to"
                + " leave it, and prints a row for each attempt: whether the sandbox holds, and the"
                + " answer of the kernel. The last rows are what ordinary programs need. Leaves"
                + " nothing behind.",
            "Exits with 1 if something that should hold does not. --json prints {\"holds\","
                + " \"tools\", \"trials\": [{\"key\", \"group\", \"title\", \"results\": {TOOL:"
                + " {\"verdict\": holds, fails or untried, \"said\"}}}]}.",
            "--inside is what runs in the sandbox: the program is one static file, and can be"
                + " mounted into any other sandbox and run there. The facts of the host are file="
                + "PATH, process=PID, socket=NAME and port=NUMBER; attempts without their fact are"
                + " not made.",
        ],
        options: [.json, .with, .inside],
        run: { arguments throws(Failure) in
            if arguments.has(.inside) {
                try Output.write(Inside.run(arguments.operands).compactText + "\n")
                return 0
            }
            if let operand = arguments.operands.first {
                throw Failure("\(operand.inQuotes): only --inside takes facts")
            }
            var others: [Tool] = []
            for word in arguments.values(.with).flatMap({ $0.split(separator: ",") }) {
                guard let tool = Tool(rawValue: String(word)), tool != .own else {
                    throw Failure("--with: \(String(word).inQuotes) is unknown; use bwrap or crun")
                }
                others.append(tool)
            }
            guard let profile = try? JSONDocument(BuiltInProfile.default.bytes) else {
                throw Failure("the built-in seccomp profile cannot be read")
            }
            let place = CurrentProcess.environment("TMPDIR") ?? "/tmp"
            let test = try Selftest.run(
                with: others, seccomp: JSONOutput(profile.root),
                in: try LoadedConfig.absolute(place))
            if arguments.has(.json) {
                try Output.write(test.json.prettyText)
            } else {
                let isForPeople =
                    FileDescriptor.standardOutput.isTerminal
                    && CurrentProcess.environment("NO_COLOR")?.isEmpty != false
                // Printable, except for its own marks.
                try Output.write(Array(test.text(hasMarks: isForPeople).utf8))
            }
            return test.holds ? 0 : 1
        })
}
