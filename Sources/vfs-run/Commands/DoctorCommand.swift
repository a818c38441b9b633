internal import Doctor
internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension Command {
    /// `vfs-run doctor [DIR]`
    static let doctor = Command(
        name: "doctor", summary: "test which features of containers this system supports",
        operands: "[DIR]",
        details: [
            "Tries each kernel feature of a start in a process and in namespaces of its own, and"
                + " leaves nothing behind. Prints a row for each: its purpose, the answer of the"
                + " kernel, and a command that fixes it. DIR is a directory for --upper, tested in a"
                + " temporary directory inside; default: the working directory.",
            "The marks: ✓ (ok) works; ! (warn) some containers need it; ✗ (fail) this user cannot run"
                + " containers without it; · (info) a fact; - could not be tested.",
            "Exits with 1 if \"vfs-run config.json\" cannot work for this user, and with 0 otherwise."
                + " --json prints {\"works\", \"user\", \"kernel\", \"directory\", \"probes\": [{\"key\","
                + " \"verdict\": works, lacks, fact or untried, \"needed\", \"said\", \"mend\", …}]}.",
        ],
        options: [.json, .width],
        run: { arguments throws(Failure) in
            let operands = arguments.operands
            let directory = try LoadedConfig.absolute(operands.first ?? ".")
            let examination: Examination
            do throws(Examination.Interruption) {
                examination = try Examination.run(directory: directory)
            } catch {
                return 128 + error.signal
            }
            if arguments.has(.json) {
                try Output.write(examination.json.prettyText)
            } else {
                let isForPeople =
                    FileDescriptor.standardOutput.isTerminal
                    && CurrentProcess.environment("NO_COLOR")?.isEmpty != false
                // Printable, except for its own marks.
                var style = Examination.Style(hasMarks: isForPeople)
                style.columns = try arguments.screenColumns()
                try Output.write(Array(examination.text(style).utf8))
            }
            return examination.canRun ? 0 : 1
        })
}
