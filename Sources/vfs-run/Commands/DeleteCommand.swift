internal import ContainerRuntime
internal import LinuxSystem
internal import Supervision

extension Option {
    fileprivate static let force = Option(
        "force", short: "f", "kill the container if it runs; no error if it does not exist")
}

extension ParsedArguments {
    /// Whether `delete` kills the container first.
    var isForced: Bool { has(.force) }
}

extension Command {
    /// `vfs-run delete ID`
    static let delete = Command(
        name: "delete", summary: "remove a stopped container", operands: "ID",
        details: [
            "Removes the state, the control groups and everything else that belongs to the"
                + " container, except the bundle. A container that is created and not started is"
                + " killed first."
        ],
        options: [.force, .regex], isOfContainers: true,
        run: { arguments throws(Failure) in
            let force = arguments.has(.force)
            do throws(Failure) {
                for container in try arguments.containers() {
                    try delete(container, force: force, arguments.globals.log)
                }
            } catch {
                if force && error.kind == .missing { return 0 }
                throw error
            }
            return 0
        })

    private static func delete(
        _ container: StoredContainer, force: Bool, _ log: Log
    ) throws(Failure) {
        do throws(Failure) {
            try Supervisor.carryOut(container.deletePlan(force: force), warn: log.warning)
        } catch {
            if force && error.kind == .missing { return }
            if error.kind != .warning { throw error }
            log.warning(error.message)
        }
    }
}
