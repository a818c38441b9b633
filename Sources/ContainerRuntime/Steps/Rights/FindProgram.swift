internal import LinuxSystem
internal import SystemPackage

/// `process.args[0]`, before the program is executed.
struct FindProgram: ContainerStep {
    static let manual = StepManual(
        "find the program",
        what: "Looks the program up along the container's PATH.",
        why: """
            Only for named containers and exec, before other processes are told of the container: \
            a missing program is an error of its creation. After the change of user, who may be \
            allowed less than root.
            """,
        calls: "newfstatat, faccessat2")

    let search: ProgramSearch

    var summary: String { "find the program \(search.name)" }

    func apply(_ context: ContainerContext) throws(Failure) {
        var refused: String?
        for candidate in search.candidates {
            do throws(Errno) {
                if try FileStatus.of(path: candidate).kind == .directory {
                    throw Errno.permissionDenied
                }
                try CurrentProcess.checkMayExecute(candidate)
                return
            } catch .noSuchFileOrDirectory, .notDirectory {
                continue
            } catch .permissionDenied {
                refused = refused ?? candidate
            } catch {
                // What else is wrong, or what a filter forbids to ask, the execution itself says.
                return
            }
        }
        guard let refused else { throw search.missing }
        throw search.explain(refused, .permissionDenied)
    }
}
