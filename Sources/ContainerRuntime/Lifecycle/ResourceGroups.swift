internal import Cgroups
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// The groups by which the kernel, or systemd, limits a container and counts what it uses.
///
///     {"cgroup": [["memory", "/sys/fs/cgroup/memory/web"]], "unit": ["web.scope", false]}
struct ResourceGroups: Sendable {
    /// Hierarchy and directory.
    var cgroup: [(controllers: String, path: String)] = []
    /// Directories above it that were made for it, the deepest last.
    var parents: [String] = []
    /// systemd's unit that it is, where systemd has made it.
    var unit: SystemdUnit?
    /// Its group of resctrl.
    var resctrl: ResctrlGroup?

    init() {}

    init(_ value: JSONValue) {
        value.forEachMember { take($0, $1) }
    }

    /// Takes one of the members that it has written, and passes over others.
    private mutating func take(_ key: JSONValue, _ value: JSONValue) {
        switch true {
        case key.says("cgroup"):
            cgroup = value.elements.compactMap {
                guard let pair = $0.pair, let name = pair.0.string, let path = pair.1.string
                else { return nil }
                return (name, path)
            }
        case key.says("parents"): parents = value.elements.compactMap(\.string)
        case key.says("unit"):
            guard let pair = value.pair, let name = pair.0.string else { return }
            unit = SystemdUnit(name: name, isUsers: pair.1.bool ?? false)
        case key.says("resctrl"):
            guard let root = value["root"]?.string, let path = value["path"]?.string else { return }
            resctrl = ResctrlGroup(
                root: root, path: path, monitor: value["monitor"]?.string,
                isOwn: value["own"]?.bool ?? false)
        default: break
        }
    }

    /// Makes sure that these are groups of the kernel's. What they name is removed, and the processes
    /// in it are killed.
    ///
    /// - Throws: One of the directories lies in no file system of control groups or of resctrl.
    func requireGenuine(_ id: ContainerID) throws(Failure) {
        for path in cgroup.map({ $0.path }) + parents {
            try ResourceGroups.require(path, [.cgroup, .cgroup2], id)
        }
        guard let resctrl else { return }
        for path in [resctrl.root, resctrl.path, resctrl.monitor].compactMap(\.self) {
            try ResourceGroups.require(path, [.resctrl], id)
        }
    }

    private static func require(
        _ path: String, _ kinds: [FileSystemMagic], _ id: ContainerID
    ) throws(Failure) {
        var isGenuine = path.hasPrefix("/") && !path.split(separator: "/").contains("..")
        if isGenuine {
            do throws(Errno) {
                let directory = try HostPath.open(path, [.path, .directory])
                isGenuine = kinds.contains(try FileSystemMagic.of(directory.borrowed))
            } catch .noSuchFileOrDirectory {
                // It is gone, as all that was in it.
                return
            } catch {
                throw Failure("\(path): \(error.words)")
            }
        }
        if isGenuine { return }
        throw Failure(
            "the state of container \"\(id.text)\" names \"\(path)\" as one of its groups, and that"
                + " is no control group and no group of resctrl; the state is damaged, and nothing is"
                + " done by it")
    }

    /// The directory by which all its processes are frozen.
    var freezer: String? {
        let found =
            cgroup.first { $0.controllers.split(separator: ",").contains("freezer") }
            ?? cgroup.first { $0.controllers.isEmpty }
        return found?.path
    }

    var controlGroup: ControlGroup {
        ControlGroup(paths: cgroup, parents: parents, unit: unit)
    }

    /// What is as most have it is left out.
    var members: [(key: String, value: JSONOutput)] {
        var members: [(key: String, value: JSONOutput)] = []
        if !cgroup.isEmpty {
            members.append(
                (
                    "cgroup",
                    .array(cgroup.map { .array([.string($0.controllers), .string($0.path)]) })
                ))
        }
        if !parents.isEmpty {
            members.append(("parents", .array(parents.map(JSONOutput.string))))
        }
        if let unit {
            members.append(("unit", .array([.string(unit.name), .bool(unit.isUsers)])))
        }
        if let resctrl {
            members.append(
                (
                    "resctrl",
                    .object([
                        ("root", .string(resctrl.root)), ("path", .string(resctrl.path)),
                        ("monitor", resctrl.monitor.map(JSONOutput.string) ?? .null),
                        ("own", .bool(resctrl.isOwn)),
                    ])
                ))
        }
        return members
    }
}
