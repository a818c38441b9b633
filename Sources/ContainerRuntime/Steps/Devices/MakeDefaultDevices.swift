internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// The devices and links that every container has ("Default Devices" of the specification).
struct MakeDefaultDevices: ContainerStep {
    static let manual = StepManual(
        "make the default devices",
        what: """
            Makes the device nodes that programs rely on, and links such as /dev/stdout. A node \
            is a name for a driver of the kernel; the control group decides whether it may be \
            opened. In a user namespace the host's nodes are bound.
            """,
        why: "After the mount on /dev. A name that exists must be the same device.",
        calls: "openat2, mknodat, fchmodat, symlinkat")

    /// The host's are bound, where none may be made.
    var binds = false
    /// Those that linux.devices describes, with a mode and an owner of their own.
    var described: Set<String> = []

    var summary: String {
        let names = made.map(\.name).joined(separator: ", ")
        return "\(binds ? "bind" : "make") the default devices: \(names), ptmx"
    }

    /// Numbers: the kernel's Documentation/admin-guide/devices.txt.
    private static let devices: [(name: String, minor: UInt32, major: UInt32)] = [
        ("null", 3, 1), ("zero", 5, 1), ("full", 7, 1), ("random", 8, 1), ("urandom", 9, 1),
        ("tty", 0, 5),
    ]
    private var made: [(name: String, minor: UInt32, major: UInt32)] {
        MakeDefaultDevices.devices.filter { !described.contains($0.name) }
    }

    /// The names of those that `devices` has.
    static func described(by devices: [Configuration.Device]) -> Set<String> {
        var names: Set<String> = []
        for device in devices where device.kind == .character || device.kind == .unbuffered {
            for own in MakeDefaultDevices.devices
            where device.path == "/dev/\(own.name)"
                && device.number == DeviceNumber(major: own.major, minor: own.minor)
            {
                names.insert(own.name)
            }
        }
        return names
    }

    private static let links = [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
    ]
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        for device in made {
            let place = ShellWord.path("/dev/\(device.name)")
            if binds {
                commands.run("host_device", .value("/dev/\(device.name)"), place)
            } else {
                commands.run(
                    "device c", .value("\(device.major)"), .value("\(device.minor)"), place, "666")
            }
        }
        for (name, target) in MakeDefaultDevices.links {
            commands.run("link", .value(target), .path("/dev/\(name)"))
        }
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let place = try context.place("/dev")
        // A link in its place would lead the devices elsewhere (CVE-2026-41579, CVE-2026-47766).
        let folder = try attempt(
            "openat2", on: "/dev",
            advice: {
                $0 == .tooManySymbolicLinkLevels
                    ? "it must be a directory and no symbolic link" : nil
            }, try place.makeDirectories(links: .refuse))
        for device in made {
            let number = DeviceNumber(major: device.major, minor: device.minor)
            let node = DeviceNode(kind: .character, number: number, mode: 0o666)
            if binds {
                try node.bind("/dev/\(device.name)", to: device.name, in: folder.borrowed)
            } else {
                try node.make(device.name, in: folder.borrowed)
            }
        }
        for (name, target) in MakeDefaultDevices.links {
            do {
                try folder.borrowed.makeSymbolicLink(name, to: target)
            } catch .fileExists {
                // The image's own.
            } catch {
                throw Failure("symlinkat", "/dev/\(name)".inQuotes, error)
            }
        }
    }
}
