internal import JSON
internal import LinuxSystem
internal import OCISpec

/// What must hold of a spec before anything is planned. A new rule is one function and one line.
enum Checks {
    typealias Check = @Sendable (Spec, Diagnostics) -> Void

    static let all: [Check] = [
        version, annotations, rootDirectory, arguments, environment,
        workingDirectory, user,
        resourceLimits, outOfMemoryScore, scheduling, personality, capabilities, namespaces, names,
        sysctl, resources, intelRdt, mounts,
        procMounts, terminal, devices, containerPaths, seccomp, overlay,
        hooks, labels, memoryPolicy, affinity, networkDevices, idMappings, timeOffsets,
    ]

    // MARK: The document

    static func version(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let version = spec.ociVersion else { return }
        let core = version.value.prefix { $0 != "-" && $0 != "+" }
        let numbers = core.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        if numbers.count != 3 || numbers.contains(nil) {
            diagnostics.error(
                "\"\(version.value)\" is not a version; write \"\(Spec.versions.newest)\"",
                at: version.offset)
        } else if numbers[0] != 1 {
            diagnostics.error(
                "version \(version.value) of the specification is not known; 1.x is",
                at: version.offset)
        }
    }

    static func annotations(_ spec: Spec, _ diagnostics: Diagnostics) {
        for (key, _) in spec.annotations where key.value.isEmpty {
            diagnostics.error("has an empty key; name the annotation", at: key.offset)
        }
    }

    static func rootDirectory(_ spec: Spec, _ diagnostics: Diagnostics) {
        if case .object(let overlay) = spec.vfs?.overlay, overlay.layers?.isEmpty == false {
            return
        }
        guard let root = spec.root else {
            if diagnostics.hasError(in: "root") { return }
            return diagnostics.error(
                "is required and missing; without vfs.overlay.layers it names the root file system",
                at: diagnostics.document.root.offset, member: "root")
        }
        if let path = root.path, path.value.isEmpty {
            diagnostics.error("is empty; name a directory", at: path.offset)
        }
    }
}
