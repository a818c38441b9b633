internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension Command {
    /// `vfs-run spec`
    static let spec = Command(
        name: "spec", summary: "write a config.json to start from", operands: "",
        details: [
            "Writes the default config.json: a shell on a terminal, its own namespaces, three"
                + " capabilities, the default seccomp profile. An existing file is left alone.",
            "With --rootless it has what vfs-run adds by itself for somebody who is not root: a user"
                + " namespace whose root is the caller, with the ids that /etc/subuid and"
                + " /etc/subgid set aside for them.",
            "With --one-shot it is for vfs-run config.json and a program that nobody trusts: limits of"
                + " memory, processes, open files, disk, pending signals and message queues, and a"
                + " user namespace with 65536 ids from 1879048192 on, which nobody else has. What the"
                + " caller cannot have of these, not being root, is left out.",
        ],
        options: [
            Option(
                long: "bundle", short: "b", value: "DIR",
                help: "the directory to write it to, instead of this one",
                completes: .directories),
            Option(
                long: "file", short: "f", value: "FILE",
                help: "the file to write, instead of config.json", completes: .files),
            Option(
                long: "rootless", value: nil, help: "for the caller, who need not be root"),
            Option(
                long: "one-shot", value: nil,
                help: "with limits and ids of its own, for a program that nobody trusts"),
        ],
        run: { arguments throws(CommandError) in
            if let extra = arguments.operands.first {
                throw CommandError("spec takes no argument \"\(extra)\"; see \"vfs-run help spec\"")
            }
            let isRootless = arguments.has("rootless")
            if isRootless && arguments.has("one-shot") {
                throw CommandError(
                    "--one-shot is for who is not root too; leave --rootless out")
            }
            let json =
                arguments.has("one-shot")
                ? DefaultConfig.oneShot : DefaultConfig.json(for: isRootless ? .current : nil)
            let name = arguments.value("file") ?? "config.json"
            let path = name.hasPrefix("/") ? name : (arguments.value("bundle") ?? ".") + "/" + name
            do throws(Errno) {
                let file = try HostPath.open(
                    path, [.writeOnly, .create, .exclusive], mode: 0o644)
                try file.borrowed.write(all: Array(json.prettyText.utf8))
            } catch .fileExists {
                throw CommandError(
                    "file \(path) exists; remove it first, or name another by --bundle or --file")
            } catch {
                throw CommandError("\(path): \(error.words)")
            }
            return 0
        })
}
