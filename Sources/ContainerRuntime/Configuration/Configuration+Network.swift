internal import LinuxSystem

extension Configuration {
    /// What the container reaches by its network.
    public enum Network: Sendable, Hashable {
        /// Itself alone.
        case none
        case host
        /// What the host reaches, through a helper.
        case helper(NetworkHelper)
        /// A socket of the host, by an absolute path.
        case proxy(String)
    }

    /// A program that passes packets between the container and the host's network.
    public struct NetworkHelper: Sendable, Hashable {
        public var kind: Kind
        /// Its executable.
        public var path: String

        public enum Kind: String, Sendable {
            case pasta, slirp4netns
        }

        /// Where it is looked for: never along the caller's PATH.
        static let directories = ["/usr/bin", "/usr/local/bin", "/bin"]

        /// Debian's package of it.
        static func package(_ kind: Kind) -> String { kind == .pasta ? "passt" : "slirp4netns" }

        /// The name server inside, which stands for the host's.
        var nameServer: String { kind == .pasta ? "169.254.1.1" : "10.0.2.3" }

        /// The descriptor at which it says that it is ready. pasta keeps none above 2; slirp4netns writes
        /// warnings to its standard output.
        var readyAt: Int32 { kind == .pasta ? 1 : 3 }

        /// - Parameters:
        ///   - userNamespace: Whether the container has one of its own.
        ///   - hasRoot: Whether the helper can become root in it. slirp4netns does where it changes its
        ///     root directory, and an ordinary user's fails there; without that it has no capability,
        ///     and its seccomp filter.
        func program(_ process: Int32, userNamespace: Bool, hasRoot: Bool) -> Program {
            let proc = "/proc/\(process)/ns"
            let arguments: [String]
            switch kind {
            case .pasta:
                // No port leads in, none to the host's loopback, and no address stands for the host.
                arguments =
                    [
                        path, "--foreground", "--quiet", "--config-net", "--no-map-gw", "-t",
                        "none", "-u", "none", "-T", "none", "-U", "none", "--dns-forward",
                        nameServer,
                        // Told as soon as the network is there.
                        "--pid", "/proc/self/fd/1",
                    ]
                    // It would become nobody, who may not join the namespaces.
                    + (Credentials.effectiveUser == 0 ? ["--runas", "0:0"] : [])
                    + ["--userns", "\(proc)/user", "--netns", "\(proc)/net"]
            case .slirp4netns:
                arguments =
                    [
                        path, "--configure", "--mtu=65520", "--disable-host-loopback",
                        "--enable-seccomp", "--ready-fd=\(readyAt)", "--exit-fd=0",
                        "--netns-type=path",
                    ] + (hasRoot ? ["--enable-sandbox"] : [])
                    + (userNamespace ? ["--userns-path=\(proc)/user"] : [])
                    + ["\(proc)/net", "tap0"]
            }
            return Program(
                path: path, arguments: arguments, environment: ["PATH=/usr/bin:/bin", "LC_ALL=C"])
        }
    }
}
