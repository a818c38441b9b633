internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension Option {
    fileprivate static let directory = Option(
        "bundle", short: "b", value: "DIR", completes: .directories,
        "the output directory; default: the working directory")
    fileprivate static let file = Option(
        "file", short: "f", value: "FILE", completes: .files,
        "the output file; default: config.json")
    fileprivate static let rootless = Option(
        "rootless", "for a rootless container of the caller")
    fileprivate static let oneShot = Option(
        "one-shot", "with limits and its own ids, for an untrusted program")
}

extension Command {
    /// `vfs-run spec`
    static let spec = Command(
        name: "spec", summary: "write a template of config.json",
        details: [
            "Writes the default config.json: a shell on a terminal, new namespaces, three"
                + " capabilities, the default seccomp profile, a read-only root file system. An existing file is not overwritten.",
            "--rootless adds a user namespace that maps root to the caller and no other id. Without"
                + " uidMappings and gidMappings the start maps the caller's subordinate ids from"
                + " /etc/subuid and /etc/subgid too.",
            "--one-shot is for \"vfs-run config.json\" with an untrusted program: limits of memory,"
                + " processes, open files, disk space, pending signals and message queues, and a user"
                + " namespace with the host ids from 1879048192 on, 65536 of them. Without root"
                + " privileges, unavailable settings are adapted at the start.",
        ],
        options: [.directory, .file, .rootless, .oneShot],
        run: { arguments throws(Failure) in
            let isRootless = arguments.has(.rootless)
            if isRootless && arguments.has(.oneShot) {
                throw Failure(
                    "--one-shot includes rootless containers; remove --rootless")
            }
            let json =
                arguments.has(.oneShot)
                ? DefaultConfig.oneShot : DefaultConfig.template(for: isRootless ? .current : nil)
            let name = arguments.value(.file) ?? "config.json"
            let path =
                name.hasPrefix("/") ? name : (arguments.value(.directory) ?? ".") + "/" + name
            do throws(Errno) {
                let file = try HostPath.open(
                    path, [.writeOnly, .create, .exclusive], mode: 0o644)
                try file.borrowed.write(all: Array(json.prettyText.utf8))
            } catch .fileExists {
                throw Failure(
                    "file \(path) exists; remove it, or use --bundle or --file for another place")
            } catch {
                throw Failure("\(path): \(error.words)")
            }
            return 0
        })
}
