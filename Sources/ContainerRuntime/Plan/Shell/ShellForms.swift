internal import LinuxSystem

extension MountAttributes {
    /// As mount(8) takes them.
    var optionWords: [String] {
        let table: [(MountAttributes, String)] = [
            (.readOnly, "ro"), (.noSetUserID, "nosuid"), (.noDevices, "nodev"),
            (.noExecution, "noexec"), (.noAccessTime, "noatime"),
            (.strictAccessTime, "strictatime"), (.noDirectoryAccessTime, "nodiratime"),
            (.noSymbolicLinks, "nosymfollow"),
        ]
        return table.filter { contains($0.0) }.map(\.1)
    }

    /// Those that are taken away.
    fileprivate var clearingWords: [String] {
        let table: [(MountAttributes, String)] = [
            (.readOnly, "rw"), (.noSetUserID, "suid"), (.noDevices, "dev"), (.noExecution, "exec"),
        ]
        return table.filter { contains($0.0) }.map(\.1)
    }
}

extension Configuration.Mount {
    /// New attributes and propagation for a mount that is there.
    func changes(_ commands: inout ShellCommands) {
        let place = ShellWord.path(destination)
        var all = set
        all.override(with: setRecursively)
        if !setRecursively.isEmpty || !clearRecursively.isEmpty {
            commands.note("For this mount alone; those below it keep theirs.")
        }
        if idMapping != nil { commands.note("The ids are not mapped: that takes mount(8) 2.39.") }
        let words = clear.union(clearRecursively).subtracting(all).clearingWords + all.optionWords
        if !words.isEmpty {
            let options = (["remount", "bind"] + words).joined(separator: ",")
            commands.run("mount", .option("-o", options), place)
        }
        for change in propagation {
            commands.run(
                "mount", .value("--make-\(change.isRecursive ? "r" : "")\(change.kind.name)"), place
            )
        }
    }
}

extension CapabilitySet {
    /// As setpriv(1) takes them: all others are dropped.
    var setprivWords: String {
        (["-all"] + names.map { "+" + $0.dropFirst("CAP_".count).lowercased() })
            .joined(separator: ",")
    }
}

extension OverlayAssembly {
    /// Where a copy-on-write tree is mounted until it is bound.
    static func place(ofTree number: Int) -> ShellWord {
        .inWork("tree-\(number)")
    }

    /// - Parameters:
    ///   - isRoot: Whether it is no copy-on-write tree.
    ///   - owner: The container's ids, where they are not the host's.
    func shell(_ commands: inout ShellCommands, onRoot isRoot: Bool, owner: IDMappings? = nil) {
        let place: ShellWord = isRoot ? "\"$root\"" : .inWork("tree" + suffix)
        var (top, work) = (ShellWord.inWork("upper/upper" + suffix), "upper/work" + suffix)
        var upperText = "$work/upper/upper\(suffix)"
        if !isRoot { commands.run("mkdir", place) }
        switch upper {
        case .throwaway(let size, let inodes):
            var options = ["mode=755"]
            if let size { options.append("size=\(size.value)") }
            if let inodes { options.append("nr_inodes=\(inodes.value)") }
            commands.run(
                "mountpoint -q \"$work/upper\" || mount -t tmpfs",
                .option("-o", options.joined(separator: ",")), "tmpfs \"$work/upper\"")
            commands.run("mkdir", top, .inWork(work))
        case .kept(let directory):
            top = .value(directory.value + "/upper")
            commands.run("mkdir -p --", top, .value(directory.value + "/work"))
            upperText = ""
            work = directory.value + "/work"
        }
        guard let model = layers.last else {
            return commands.run("mount --bind", top, place)
        }
        commands.run("chown --reference", .value(model), top)
        commands.run("chmod --reference", .value(model), top)
        // The container's root directory belongs to the container's root.
        if let user = owner?.users.outside(of: 0), let group = owner?.groups.outside(of: 0) {
            commands.run("chown", .value("\(user):\(group)"), top)
        }
        var lower: [ShellWord] = []
        if let owner {
            let names = layers.indices.map { "layer\(suffix)-\($0)" }
            for (layer, name) in zip(layers, names) {
                commands.run(
                    "mapped_layer", .value(layer), .value(name), .value(owner.mountWords))
            }
            lower = [.layersInWork(names.reversed())]
        }
        var words: [String] = []
        if lower.isEmpty {
            let paths = layers.reversed().map(OverlayAssembly.escaped)
            words = ["lowerdir=\(paths.joined(separator: ":"))"]
        }
        if case .kept(let directory) = upper {
            words.append("upperdir=\(OverlayAssembly.escaped(directory.value))/upper")
            words.append("workdir=\(OverlayAssembly.escaped(directory.value))/work")
        }
        words += options
        let written: ShellWord =
            upperText.isEmpty ? "" : .inWorkOptions(upper: "upper/upper" + suffix, work: work)
        let options: [ShellWord] =
            words.isEmpty ? [] : [.option("-o", words.joined(separator: ","))]
        commands.run(["mount -t overlay"] + lower + options + [written, "overlay", place])
    }

    /// The kernel takes a colon for the end of a layer, and a comma for that of an option.
    private static func escaped(_ path: String) -> String {
        var text = ""
        for character in path.unicodeScalars {
            if character == ":" || character == "," || character == "\\" { text += "\\" }
            text.unicodeScalars.append(character)
        }
        return text
    }
}

extension IDMappings {
    /// As X-mount.idmap of mount(8) takes them.
    fileprivate var mountWords: String {
        func words(_ kind: String, _ map: IDMap) -> [String] {
            map.ranges.map { "\(kind):\($0.inside):\($0.outside):\($0.count)" }
        }
        return (words("u", users) + words("g", groups)).joined(separator: " ")
    }
}
