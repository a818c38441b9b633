internal import LinuxSystem
internal import OCISpec

/// The capabilities of the program, by podman's defaults and options.
enum ProgramCapabilities {
    /// Of a program that runs as root of the sandbox. They hold in its user namespace alone.
    static let ofRoot = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
        "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
        "CAP_SYS_CHROOT",
    ]

    static func names(
        isRoot: Bool, adding added: [String], dropping dropped: [String]
    ) throws(Failure) -> [String] {
        var names = isRoot ? ofRoot : []
        for word in dropped {
            if word.lowercased() == "all" {
                names = []
            } else {
                let name = try name(word, "--cap-drop")
                names.removeAll { $0 == name }
            }
        }
        for word in added {
            if word.lowercased() == "all" {
                names = CapabilitySet.names
            } else {
                let name = try name(word, "--cap-add")
                if !names.contains(name) { names.append(name) }
            }
        }
        return names
    }

    private static func name(_ word: String, _ option: String) throws(Failure) -> String {
        let upper = word.uppercased()
        let name = upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
        if CapabilitySet(name: name) != nil { return name }
        let near = nearestName(to: name, in: CapabilitySet.names)
        throw Failure(
            "\(option): \(word.inQuotes) is not a capability"
                + (near.map { "; did you mean \"\($0)\"?" } ?? "; see capabilities(7)"))
    }
}
