internal import LinuxSystem
internal import SystemPackage

/// The host's system as a base: programs and libraries, read-only, and less than all of it. A
/// directory with sockets of daemons is not among them: a read-only mount does not keep a program
/// from connecting to one.
struct SystemBase {
    /// Directories that are bound.
    private(set) var directories: [String] = []
    /// Symbolic links, and files that are bound.
    private(set) var links: [(path: String, target: String)] = []

    private static let top = [
        "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store",
        "/gnu/store",
    ]

    /// What programs read of /etc, and nothing with a secret in it.
    private static let settings = [
        "alternatives", "bash.bashrc", "bashrc", "crypto-policies", "debian_version", "fonts",
        "gai.conf", "gitconfig", "host.conf", "inputrc", "java", "ld.so.cache", "ld.so.conf",
        "ld.so.conf.d", "locale.alias", "locale.conf", "localtime", "lsb-release", "magic",
        "magic.mime", "mailcap", "mime.types", "nsswitch.conf", "os-release", "perl",
        "pki/tls/certs",
        "pki/ca-trust", "profile", "profile.d", "protocols", "python3", "redhat-release", "rpc",
        "services", "shells", "ssl/certs", "ssl/openssl.cnf", "ssl/cert.pem", "terminfo",
        "timezone", "vimrc", "vim",
    ]

    /// Looks at the host.
    init() {
        for path in SystemBase.top { add(path) }
        guard let etc = try? HostPath.open("/etc", [.readOnly, .directory]),
            let names = try? etc.borrowed.entries()
        else { return }
        let there = Set(names)
        for name in SystemBase.settings {
            let first = name.prefix { $0 != "/" }
            // Versions: java-17-openjdk.
            if there.contains(String(first)) { add("/etc/\(name)") }
        }
        for name in there.sorted() where name.hasPrefix("java-") { add("/etc/\(name)") }
    }

    private mutating func add(_ path: String) {
        let (parent, name) = HostPath.split(path)
        guard let name, let folder = try? HostPath.open(parent, [.path, .directory]),
            let status = try? FileStatus.of(name.text, in: folder.borrowed)
        else { return }
        switch status.kind {
        case .symbolicLink:
            if let target = try? folder.borrowed.linkTarget(name.text) {
                links.append((path, target))
            }
        case .directory, .regular: directories.append(path)
        default: break
        }
    }
}
