internal import ContainerRuntime
internal import JSON
internal import LinuxSystem

extension Option {
    fileprivate static let idsOnly = Option("quiet", short: "q", "print only the ids")
    fileprivate static let sandboxes = Option(
        "sandboxes", "list the kept sandboxes instead of the containers")
}

extension Command {
    /// `vfs-run list`
    static let list = Command(
        name: "list", summary: "list the containers", options: [.format, .idsOnly, .sandboxes],
        isOfContainers: true,
        run: { arguments throws(Failure) in
            let isJSON = try arguments.wantsJSON()
            if arguments.has(.sandboxes) {
                try SandboxTable.write(
                    isJSON ? .json : arguments.has(.idsOnly) ? .names : .table,
                    arguments.globals.log)
                return 0
            }
            let store = arguments.globals.store
            let mustExist = arguments.globals.rootIsGiven
            if arguments.has(.idsOnly) {
                let names = try store.identifiers(mustExist: mustExist)
                try? Output.write(
                    names.map { $0.printable(upTo: .longestName) + "\n" }.joined())
                return 0
            }
            let reports = try store.reports(mustExist: mustExist) { name, error in
                arguments.globals.log.warning("load container \(name): \(error.message)")
            }
            let owners = OwnerNames()
            if isJSON {
                let list = reports.map { $0.json(owner: owners.name($0.ownerID)) }
                try Output.write(
                    (list.isEmpty ? "null" : JSONOutput.array(list).compactText) + "\n")
            } else {
                try ContainerTable.write(reports, owners)
            }
            return 0
        })
}
