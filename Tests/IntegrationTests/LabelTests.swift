import Glibc
import Testing

/// AppArmor and SELinux, as far as this kernel has them.
struct LabelTests {
    private static let hasAppArmor = access("/sys/kernel/security/apparmor", F_OK) == 0
    private static let hasSELinux = Host.read("/proc/filesystems").contains("selinuxfs")

    @Test(arguments: ["", "unconfined"])
    func `no profile and no confinement can be had anywhere`(_ profile: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["apparmorProfile"] = .string(profile)
            let facts = try box.probe(config)
            #expect(facts["uids"] == [0, 0, 0])
        }
    }

    @Test func `a profile that cannot be had is an error, and the program does not run`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["apparmorProfile"] = "no-such-profile"
            config.run(["echo", "unconfined"])
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.output == "")
            let words = Self.hasAppArmor ? "the profile is not loaded" : "AppArmor is not enabled"
            #expect(outcome.error.contains(words), "\(outcome.error)")
            #expect(outcome.error.contains("the AppArmor profile no-such-profile"))
        }
    }

    /// CVE-2019-16884: what the image has in the place of /proc is not written to.
    @Test func `a profile is not written into the image's files`() throws {
        try Sandbox.use { box in
            let file = try box.write("layer/proc/self/attr/apparmor/exec", "")
            try box.write("layer/proc/self/attr/apparmor/current", "unconfined\n")
            var config = box.config()
            config["process"]["apparmorProfile"] = "no-such-profile"
            config["mounts"] = [Config.dev, Config.devpts]
            let outcome = try box.run(config, ["--layer", box.path("layer")])
            #expect(outcome.code == 125)
            #expect(Host.read(file) == "")
        }
    }

    @Test(.enabled(if: !hasSELinux, "the kernel has SELinux"), arguments: ["process", "linux"])
    func `a label without SELinux is an error, and the program does not run`(
        _ member: String
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            let key = member == "process" ? "selinuxLabel" : "mountLabel"
            config[member][key] = "system_u:system_r:container_t:s0:c1,c2"
            config.run(["echo", "unlabeled"])
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.output == "")
            #expect(outcome.error.contains("SELinux is not enabled"), "\(outcome.error)")
        }
    }
}
