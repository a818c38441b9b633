import Glibc
import TestSupport
import Testing

/// Configs that engines have written (Tests/configs), run on the kernel.
struct EngineConfigRunTests {
    /// The config with a root and sources of the test's own, or nil for one that needs what its host
    /// had: namespaces, an overlay of the engine's, a user namespace of other ids, systemd, resctrl.
    private func adapted(_ config: EngineConfig, _ box: Sandbox) throws -> Value? {
        var value = try Value(parsing: config.text)
        let namespaces = (value["linux"]["namespaces"].array ?? []).map {
            $0["type"] == "network" ? ["type": "network"] : $0
        }
        value["linux"]["namespaces"] = .array(namespaces)
        let needsHost =
            namespaces.contains { $0["path"] != .null || $0["type"] == "user" }
            || value["linux"]["intelRdt"] != .null || value["linux"]["netDevices"] != .null
            || value["process"]["apparmorProfile"].string?.isEmpty == false
        if needsHost { return nil }
        var mounts: [Value] = []
        for var mount in value["mounts"].array ?? [] {
            if mount["type"] == "overlay" || mount["options"].array?.contains("idmap") == true {
                return nil
            }
            if mount["type"] == "bind", let source = mount["source"].string,
                !["/dev", "/sys", "/proc"].contains(source)
            {
                let isFile = ["/etc/", "/run/.", "/run/secrets", "/dev/init", "/sbin/"].contains {
                    mount["destination"].string?.hasPrefix($0) == true
                }
                mount["source"] = .string(box.path(isFile ? "file" : "folder"))
            }
            mounts.append(mount)
        }
        value["mounts"] = .array(mounts)
        value["hooks"] = .null
        value["root"]["path"] = .string(Host.base)
        value["vfs"] = ["overlay": ["layers": Value([Host.base])]]
        value["linux"]["cgroupsPath"] = .string("/vfs-run-engine-\(box.id())")
        // Above those of a test's caller, without CAP_SYS_RESOURCE.
        value["process"]["rlimits"] = []
        value["process"]["terminal"] = false
        value["process"]["cwd"] = "/"
        value["process"]["args"] = ["/bin/true"]
        return value
    }

    /// What this kernel or this machine has not: no controller, no device, no capability of the caller's.
    private static let lacks = [
        "controller", "cannot be applied", "swappiness", "no device", "blkio", "cpu.rt",
        "not a controller", "oom_control", "kernel memory",
    ]

    @Test(.timeLimit(.minutes(3)), arguments: ["docker", "podman", "buildah", "containerd"])
    func `they start as they are, on a root of the test's own`(_ engine: String) throws {
        try Sandbox.use { box in
            try box.write("file", "")
            try box.makeDirectory("folder")
            var count = 0
            // Neighbours differ by one option: every third one has most of what there is.
            for (index, config) in try EngineConfig.all(of: engine).enumerated()
            where index % 3 == 0 {
                guard let value = try adapted(config, box) else { continue }
                try box.prepare(value)
                let outcome = try box.command("run", box.id())
                if outcome.code != 0, Self.lacks.contains(where: outcome.error.contains) {
                    continue
                }
                #expect(outcome.code == 0, "\(config.name): \(outcome)")
                count += 1
            }
            #expect(count > 4)
        }
    }
}
