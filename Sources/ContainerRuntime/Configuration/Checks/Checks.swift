internal import JSON
internal import LinuxSystem
internal import OCISpec

/// The requirements of a start. A new rule is one function and one line in `all`.
///
/// A check is a pure function of the request and of the facts of the host: it reads nothing itself.
/// Both a start and `lint` run this list.
final class Checks {
    let request: Request
    let host: HostFacts
    let seccompReading: SeccompReading
    let diagnostics: Diagnostics
    let decision: LimitDecision

    init(
        _ request: Request, _ host: HostFacts, _ seccompReading: SeccompReading,
        _ diagnostics: Diagnostics
    ) {
        self.request = request
        self.host = host
        self.seccompReading = seccompReading
        self.diagnostics = diagnostics
        decision = LimitDecision(request, host)
    }

    var spec: Spec { _read { yield request.spec } }

    typealias Check = @Sendable (Checks) -> () -> Void

    static let all: [Check] = [
        version, annotations, rootDirectory, arguments, environment, workingDirectory, user,
        resourceLimits, outOfMemoryScore, scheduling, personality, capabilities, namespaces, names,
        sysctl, resources, systemdUnit, intelRdt, mounts, mountOptions, procMounts, terminal,
        terminalSocket, devices, containerPaths, seccomp, seccompFile, seccompProfile, overlay,
        layerNames, snapshots, overlayIndex, discardedUpper, hooks, labels, memoryPolicy, affinity,
        networkDevices, hostDevices, idMappings, userNamespace, rootlessIDs, mappedUser,
        idMappedMounts, timeOffsets, joinedMounts, initProcess, landlock, runLimits, heldLimits,
        engineAnnotations, copyOnWrite, mountsBelowTrees, mountsBelowRoot, files, streamFiles,
        network,
    ]

    func runAll() {
        for check in Checks.all { check(self)() }
    }

    // MARK: The document

    func version() {
        guard let version = spec.ociVersion else { return }
        let core = version.value.prefix { $0 != "-" && $0 != "+" }
        let numbers = core.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        if numbers.count != 3 || numbers.contains(nil) {
            diagnostics.error(
                "\"\(version.value)\" is not a version; write \"\(Spec.versions.newest)\"",
                at: version.offset)
        } else if numbers[0] != 1 {
            diagnostics.error(
                "version \(version.value) of the specification is not supported; use 1.x",
                at: version.offset)
        }
    }

    func annotations() {
        for (key, _) in spec.annotations where key.value.isEmpty {
            diagnostics.error("has an empty key; name the annotation", at: key.offset)
        }
    }

    func rootDirectory() {
        if case .object(let overlay) = spec.vfs?.overlay, overlay.layers != nil {
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
