internal import LinuxSystem
internal import SystemPackage

/// The host's system as a base: programs and libraries, read-only, and less than all of it. A
/// directory with sockets of daemons is not among them: a read-only mount does not keep a program
/// from connecting to one.
struct SystemBase {
    /// Directories and files that are bound.
    private(set) var bound: [String] = []
    private(set) var links: [(path: String, target: String)] = []
    /// Names of files that are copied, by their directories: a mount takes more time than a small
    /// file.
    private(set) var copied: [(directory: String, names: [String])] = []

    private static let top = [
        "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix/store", "gnu/store",
    ]

    /// What programs read of /etc, and nothing with a secret in it.
    private static let settings = [
        "alternatives", "bash.bashrc", "bashrc", "crypto-policies", "debian_version", "fonts",
        "gai.conf", "gitconfig", "host.conf", "inputrc", "java", "ld.so.cache", "locale.alias",
        "locale.conf", "localtime", "lsb-release", "magic",
        "magic.mime", "mailcap", "mime.types", "nsswitch.conf", "os-release",
        "pki/tls/certs",
        "pki/ca-trust", "profile", "profile.d", "protocols", "redhat-release",
        "services", "shells", "ssl/certs", "ssl/openssl.cnf", "ssl/cert.pem",
        "timezone",
    ]

    /// The largest file that is copied, in bytes.
    private static let mostCopied: Int64 = 32 << 10

    /// Looks at the host.
    init() {
        if let root = try? HostPath.open("/", [.path, .directory]) {
            for name in SystemBase.top { add(name, in: "", root.borrowed) }
        }
        guard let etc = try? HostPath.open("/etc", [.readOnly, .directory]) else { return }
        for name in SystemBase.settings { add(name, in: "/etc", etc.borrowed) }
        // Versions: java-17-openjdk.
        guard (try? FileStatus.of(path: "/usr/lib/jvm")) != nil,
            let names = try? etc.borrowed.entries()
        else { return }
        for name in names.sorted() where name.hasPrefix("java-") {
            add(name, in: "/etc", etc.borrowed)
        }
    }

    private mutating func add(_ name: String, in directory: String, _ opened: FileDescriptor) {
        guard let status = try? FileStatus.of(name, in: opened) else { return }
        let path = "\(directory)/\(name)"
        switch status.kind {
        case .symbolicLink:
            if let target = try? opened.linkTarget(name) { links.append((path, target)) }
        case .directory: bound.append(path)
        case .regular:
            if status.size > SystemBase.mostCopied { bound.append(path) } else { copy(path) }
        default: break
        }
    }

    private mutating func copy(_ path: String) {
        let (directory, name) = HostPath.split(path)
        guard let name else { return }
        let parent = HostPath.cleaned(directory)
        if let index = copied.firstIndex(where: { $0.directory == parent }) {
            copied[index].names.append(name.text)
        } else {
            copied.append((parent, [name.text]))
        }
    }

    /// Leaves out what lies at a path, and below it: something else is mounted there.
    mutating func leave(_ path: String) {
        func isCovered(_ other: String) -> Bool { other == path || other.lies(below: path) }
        bound.removeAll(where: isCovered)
        links.removeAll { isCovered($0.path) }
        for index in copied.indices {
            let directory = copied[index].directory
            copied[index].names.removeAll { isCovered("\(directory)/\($0)") }
        }
        copied.removeAll { $0.names.isEmpty }
    }
}
