internal import Doctor
internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension Command {
    /// `vfs-run doctor [DIR]`
    static let doctor = Command(
        name: "doctor", summary: "try what this system lets containers do, and say what mends it",
        operands: "[DIR]",
        details: [
            "Tries what a start needs, each in a process and in namespaces of its own, and leaves"
                + " nothing behind: a row for each with what it is needed for, what the kernel said,"
                + " and the command that mends it. DIR is where a kept upper would lie, this"
                + " directory by default; what is tried there is made in a directory that is removed"
                + " again.",
            "The marks: ✓ (ok) it works; ! (warn) some containers will miss it; ✗ (fail) without it"
                + " this user can run none; · (info) how things are; - it could not be tried.",
            "Exits with 1 when \"vfs-run config.json\" cannot run for this user, with 0 otherwise."
                + " --json prints {\"works\", \"user\", \"kernel\", \"directory\", \"probes\": [{\"key\","
                + " \"verdict\": works, lacks, fact or untried, \"needed\", \"said\", \"mend\", …}]}.",
        ],
        options: [.json],
        run: { arguments throws(CommandError) in
            let operands = try arguments.requireOperands(0...1)
            let directory = try LoadedConfig.absolute(operands.first ?? ".")
            let examination: Examination
            do throws(Examination.Interruption) {
                examination = try Examination.run(directory: directory)
            } catch {
                return 128 + error.signal
            }
            if arguments.has("json") {
                try Output.write(examination.json.prettyText)
            } else {
                let isForPeople =
                    FileDescriptor.standardOutput.isTerminal
                    && CurrentProcess.environment("NO_COLOR")?.isEmpty != false
                // It is printable but for its own marks.
                try Output.write(Array(examination.text(.init(hasMarks: isForPeople)).utf8))
            }
            return examination.canRun ? 0 : 1
        })
}
