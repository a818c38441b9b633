internal import JSON
internal import LinuxSystem
internal import Sandbox

/// What `list --sandboxes` prints.
enum SandboxTable {
    enum Form { case table, json, names }

    static func write(_ form: Form, _ log: Log) throws(Failure) {
        let store = try SandboxStore.ofCaller()
        var found: [KeptSandbox] = []
        for name in try store.names() {
            if form == .names {
                try Output.write(name.text + "\n")
                continue
            }
            do throws(Failure) {
                found.append(try store.find(name))
            } catch {
                log.warning(error.message)
            }
        }
        switch form {
        case .names: break
        case .json: try Output.write(JSONOutput.array(found.map(json)).compactText + "\n")
        case .table: try Output.write(table(found))
        }
    }

    private static func json(_ sandbox: KeptSandbox) -> JSONOutput {
        .object([
            ("name", .string(sandbox.name.text)), ("created", .string(sandbox.record.created)),
            ("inUse", .bool((try? sandbox.isInUse()) ?? false)),
            ("directory", .string(sandbox.path)),
            ("trees", .array(sandbox.record.trees.map { .string($0.path) })),
        ])
    }

    private static func table(_ sandboxes: [KeptSandbox]) -> String {
        var rows = [["NAME", "CREATED", "STATUS", "DIRECTORIES"]]
        for sandbox in sandboxes {
            let isInUse = (try? sandbox.isInUse()) ?? false
            rows.append([
                sandbox.name.text, String(sandbox.record.created.prefix(19)) + "Z",
                isInUse ? "in use" : "kept",
                sandbox.record.trees.map { $0.path.printable(upTo: .longestName) }.joined(
                    separator: " "),
            ])
        }
        var text = ""
        for row in rows {
            for (column, cell) in row.enumerated() where column < row.count - 1 {
                let width = rows.map { $0[column].utf8.count }.max() ?? 0
                text += cell + String(repeating: " ", count: width - cell.utf8.count + 3)
            }
            text += (row.last ?? "") + "\n"
        }
        return text
    }
}
