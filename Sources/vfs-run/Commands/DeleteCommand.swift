internal import ContainerRuntime

extension Command {
    /// `vfs-run delete ID`
    static let delete = Command(
        name: "delete", summary: "remove a container that has ended", operands: "ID",
        details: [
            "Removes the state, the control groups and what else is left of it; the bundle stays. One"
                + " that was created and never started is ended."
        ],
        options: [
            Option(
                long: "force", short: "f", value: nil,
                help: "also one that runs: it is killed; no error when there is none"),
            .regex,
        ],
        run: on(1...1) { arguments throws(RuntimeError) in
            let force = arguments.has("force")
            do throws(RuntimeError) {
                for container in try arguments.containers() {
                    try delete(container, force: force, arguments.globals.log)
                }
            } catch {
                if force && error.isMissing { return 0 }
                throw error
            }
            return 0
        })

    private static func delete(
        _ container: StoredContainer, force: Bool, _ log: Log
    ) throws(RuntimeError) {
        do throws(RuntimeError) {
            try container.delete(force: force)
        } catch {
            if force && error.isMissing { return }
            if !error.isWarning { throw error }
            log.warning(error.message)
        }
    }
}
