internal import ContainerRuntime
internal import JSON
internal import LinuxSystem

extension Command {
    /// `vfs-run ps ID`
    static let ps = Command(
        name: "ps", summary: "list the processes of a container", operands: "ID [PS-OPTIONS…]",
        details: ["The table is the output of ps(1) with PS-OPTIONS; default: -ef."],
        options: [.format], isOfContainers: true, endsWithOtherCommand: true,
        run: { arguments throws(Failure) in
            let isJSON = try arguments.wantsJSON()
            let pids = try arguments.container().processes()
            if isJSON {
                let list = JSONOutput.array(pids.map { .integer(Int64($0)) })
                try Output.write((pids.isEmpty ? "null" : list.compactText) + "\n")
            } else {
                let given = Array(arguments.operands.dropFirst())
                try Output.write(try ProcessTable.text(of: pids, given.isEmpty ? ["-ef"] : given))
            }
            return 0
        })
}
