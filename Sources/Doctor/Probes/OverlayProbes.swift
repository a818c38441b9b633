internal import JSON
internal import LinuxSystem
internal import Overlay
internal import SystemPackage

extension ProbeGroup {
    /// The root of a container.
    static let overlay = ProbeGroup(
        key: "overlay", title: "Overlay, on a throw-away upper",
        probes: [
            Probe(
                "module", "the file system exists (fsopen)", for: "every container", .everyone,
                mend: "modprobe overlay", look: module),
            Probe(
                "mount", "mount one; delete, replace and change files of a layer",
                for: "every container", .everyone, look: mount),
            Probe(
                "user-namespace", "the same in a user namespace (userxattr)",
                for: "containers of ordinary users", .users, since: "5.11", look: mountAsUser),
            Probe(
                "tmpfs-attributes", "user.* attributes on tmpfs",
                for: "removing directories of a layer there", since: "6.6",
                mend:
                    "boot Linux 6.6 or later; until then name a directory on a disk (--upper DIR)",
                look: attributes),
            Probe(
                "keys", "one layer at a time (lowerdir+)", for: "errors that name the layer",
                since: "6.7", look: keys),
            Probe(
                "descriptors", "layers by descriptor", for: "layers of any name", since: "6.15",
                look: descriptors),
        ])

    private static func module(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount)
        do throws(Errno) {
            _ = try FileSystemContext("overlay")
            return .works()
        } catch .operationNotSupportedByDevice {
            return .lacks("the kernel has no overlay file system and cannot load the module")
        } catch {
            throw Failure("fsopen", "overlay", error)
        }
    }

    private static func mount(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount)
        return try subject.tryOverlay(inUserNamespace: !subject.isPrivileged)
    }

    private static func mountAsUser(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount, inUserNamespace: true)
        return try subject.tryOverlay(inUserNamespace: true)
    }

    private static func attributes(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount, inUserNamespace: true)
        let scratch = try subject.mountScratch()
        func setAttribute() throws(Errno) {
            try scratch.borrowed.makeDirectory("folder", mode: 0o755)
            let folder = try scratch.borrowed.open("folder", [.readOnly, .directory])
            try folder.borrowed.setAttribute("user.overlay.opaque", "y")
        }
        try attempt("fsetxattr", "user.overlay.opaque", try setAttribute())
        return .works()
    }

    private static func keys(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount)
        return try subject.tryInterface(.paths)
    }

    private static func descriptors(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount)
        return try subject.tryInterface(.descriptors)
    }
}

extension Subject {
    /// Mounts an overlay and does with it what a container does.
    ///
    /// - Parameter place: Where upper and work directory are made; nil for the tmpfs of the layer.
    func tryOverlay(
        inUserNamespace: Bool, upperIn place: FileDescriptor? = nil
    ) throws(Failure) -> Finding {
        let scratch = try mountScratch()
        let overlay = try makeOverlay(
            scratch.borrowed, upperIn: place ?? scratch.borrowed, inUserNamespace: inUserNamespace)
        let root: OwnedDescriptor
        do {
            root = try overlay.mount(on: scratch.borrowed)
        } catch {
            let words = error.kernelWords.last.map { " (the kernel: \($0))" } ?? ""
            return .lacks(error.sentence + words)
        }
        // Of a tmpfs that keeps no attributes another row tells.
        try change(root.borrowed, replaces: place != nil || !inUserNamespace)
        return .works(inUserNamespace ? "with userxattr" : "")
    }

    /// One layer with a file, and a directory with a file.
    private func makeOverlay(
        _ scratch: FileDescriptor, upperIn place: FileDescriptor, inUserNamespace: Bool
    ) throws(Failure) -> OverlayMount {
        func makeLayer() throws(Errno) {
            try scratch.makeDirectory("layer", mode: 0o755)
            let layer = try scratch.open("layer", [.readOnly, .directory])
            try layer.borrowed.makeDirectory("folder", mode: 0o755)
            let folder = try layer.borrowed.open("folder", [.readOnly, .directory])
            for (parent, name) in [
                (layer.borrowed, "gone"), (layer.borrowed, "changed"), (folder.borrowed, "inner"),
            ] {
                _ = try parent.open(name, [.create, .writeOnly], mode: 0o644)
            }
        }
        try attempt("mkdir", "layer", try makeLayer())
        for name in ["upper", "work"] {
            try attempt("mkdir", name, try place.makeDirectory(name, mode: 0o755))
        }
        var parts: [OverlayDirectory] = []
        for (parent, name) in [(scratch, "layer"), (place, "upper"), (place, "work")] {
            let opened = try attempt("open", name, try parent.open(name, [.path, .directory]))
            parts.append(OverlayDirectory(path: name, descriptor: opened))
        }
        return OverlayMount(
            lowers: [parts[0]], upper: parts[1], work: parts[2],
            options: overlayOptions(inUserNamespace: inUserNamespace))
    }

    private func change(_ root: FileDescriptor, replaces: Bool) throws(Failure) {
        try attempt("unlink", "a file of a layer, which needs a whiteout", try root.remove("gone"))
        let file = try attempt(
            "open", "a file of a layer for writing", try root.open("changed", .writeOnly))
        try attempt("write", "to a file of a layer", try file.borrowed.write(all: [1]))
        if replaces {
            try attempt(
                "mkdir", "in place of a directory of a layer, which needs an attribute",
                try replaceDirectory(in: root))
        }
        func entries() throws(Errno) -> [String] {
            let folder = try root.open("folder", [.readOnly, .directory])
            let inner = try folder.borrowed.entries().filter { _ in replaces }
            return try inner + root.entries().filter { $0 == "gone" }
        }
        let left = try attempt("readdir", try entries())
        if !left.isEmpty {
            throw Failure("\(left[0].inQuotes) is still there after it was deleted")
        }
    }

    private func replaceDirectory(in root: FileDescriptor) throws(Errno) {
        let folder = try root.open("folder", [.readOnly, .directory])
        try folder.borrowed.remove("inner")
        try root.removeDirectory("folder")
        try root.makeDirectory("folder", mode: 0o755)
    }

    func tryInterface(_ interface: OverlayInterface) throws(Failure) -> Finding {
        let scratch = try mountScratch()
        let overlay = try makeOverlay(
            scratch.borrowed, upperIn: scratch.borrowed, inUserNamespace: !isPrivileged)
        do {
            _ = try overlay.mount(on: scratch.borrowed, interfaces: [interface])
            return .works()
        } catch {
            // Before 6.5 overlayfs looks at its keys when it is mounted.
            if [.notSupported, .invalidArgument].contains(error.errno) {
                throw Failure("fsconfig", "lowerdir+", .noFunction)
            }
            return .lacks(error.sentence)
        }
    }
}
