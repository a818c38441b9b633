import Glibc
import Testing

/// `linux.seccomp` and `vfs.seccomp`.
struct SeccompTests {
    private func profile(_ action: String, _ names: [String] = ["mkdir", "mkdirat"]) -> Value {
        [
            "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [["names": Value(names), "action": .string(action)]],
        ]
    }

    /// Installing late or early, with and without CAP_SYS_ADMIN left over.
    @Test(arguments: [true, false], [0, 1000])
    func `a blocked call gives EPERM`(_ noNewPrivileges: Bool, _ user: Int64) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["seccomp"] = profile("SCMP_ACT_ERRNO")
            config["process"]["noNewPrivileges"] = .bool(noNewPrivileges)
            config["process"]["user"]["uid"] = .integer(user)
            let facts = try box.probe(config, ["mkdir:/tmp/x", "create:/tmp/y"])
            #expect(facts["seccomp"] == 2)
            #expect(facts.result("mkdir:/tmp/x") == "EPERM")
            #expect(facts.result("create:/tmp/y") == "ok")
            #expect(facts["noNewPrivileges"] == (noNewPrivileges ? 1 : 0))
        }
    }

    /// As on a kernel for which the profile was written.
    @Test(arguments: [true, false])
    func `a profile may know nothing of what is newer`(_ noNewPrivileges: Bool) throws {
        try Sandbox.use { box in
            var config = box.config()
            var rules = profile(
                "SCMP_ACT_ERRNO",
                [
                    "close_range", "fsopen", "fsconfig", "fspick", "openat2", "open_tree",
                    "move_mount", "mount_setattr", "clone3",
                ])
            rules["syscalls"] = .array(
                [rules["syscalls"].array?.first ?? .null].map {
                    var rule = $0
                    rule["errnoRet"] = 38
                    return rule
                })
            config["linux"]["seccomp"] = rules
            config["process"]["noNewPrivileges"] = .bool(noNewPrivileges)
            let facts = try box.probe(config)
            #expect(facts["seccomp"] == 2)
        }
    }

    @Test func `a call that is to be blocked and is not known is warned of every time`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["seccomp"] = [
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [["names": ["no_such_call"], "action": "SCMP_ACT_ERRNO"]],
            ]
            for _ in 1...2 {
                let run = try box.run(config, arguments: ["true"])
                #expect(
                    run.code == 0
                        && run.error.contains("does not know the system call \"no_such_call\""),
                    "\(run)")
            }
        }
    }

    @Test func `without a profile there is no filter`() throws {
        try Sandbox.use { box in
            let facts = try box.probe(box.config())
            #expect(facts["seccomp"] == 0)
        }
    }

    @Test(arguments: [(1, "EPERM"), (38, "ENOSYS"), (13, "EACCES"), (95, "EOPNOTSUPP")])
    func `errnoRet is what the program sees`(_ number: Int64, _ name: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["seccomp"] = profile("SCMP_ACT_ERRNO")
            config["linux"]["seccomp"]["syscalls"][0]["errnoRet"] = .integer(number)
            let facts = try box.probe(config, ["mkdir:/tmp/x"])
            #expect(facts.result("mkdir:/tmp/x") == name)
        }
    }

    @Test func `defaultErrnoRet is for all that no rule names`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["seccomp"] = nil
            let allowed = try Value(parsing: Host.read(Host.repository + "/config/seccomp.json"))
            config["linux"]["seccomp"] = allowed
            config["linux"]["seccomp"]["defaultErrnoRet"] = 95
            let facts = try box.probe(config, ["call:kexec_load", "call:getppid"])
            #expect(facts.result("call:getppid") == "ok")
            #expect(["EOPNOTSUPP", "EPERM"].contains(facts.result("call:kexec_load")))
        }
    }

    @Test(arguments: [
        ("SCMP_ACT_KILL", 128 + SIGSYS), ("SCMP_ACT_KILL_THREAD", 128 + SIGSYS),
        ("SCMP_ACT_KILL_PROCESS", 128 + SIGSYS), ("SCMP_ACT_TRAP", 128 + SIGSYS),
    ])
    func `a killing action ends the program with SIGSYS`(_ action: String, _ code: CInt) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["seccomp"] = profile(action)
            let outcome = try box.run(config, arguments: ["/probe", "--only", "mkdir:/tmp/x"])
            #expect(outcome.code == code, "\(outcome)")
        }
    }

    @Test func `LOG lets the call through, TRACE without a tracer is ENOSYS`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["seccomp"] = profile("SCMP_ACT_LOG")
            let logged = try box.probe(config, ["mkdir:/tmp/x"])
            #expect(logged.result("mkdir:/tmp/x") == "ok")
            config["linux"]["seccomp"] = profile("SCMP_ACT_TRACE")
            let traced = try box.probe(config, ["mkdir:/tmp/x"])
            #expect(traced.result("mkdir:/tmp/x") == "ENOSYS")
        }
    }

    @Test func `conditions on arguments count`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["seccomp"] = profile("SCMP_ACT_ERRNO", ["socket"])
            config["linux"]["seccomp"]["syscalls"][0]["args"] = [
                ["index": 0, "value": 40, "op": "SCMP_CMP_EQ"]
            ]
            config.grant(["CAP_NET_RAW"])
            let facts = try box.probe(config, ["call:vsock", "call:raw"])
            #expect(facts.result("call:vsock") == "EPERM")
            #expect(facts.result("call:raw") == "ok")
        }
    }

    /// In the container's own user namespace the kernel refuses more of them, too.
    @Test(arguments: [true, false])
    func `the strict profile leaves no user namespace`(_ hasUserNamespace: Bool) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["vfs"]["seccomp"] = "strict"
            if hasUserNamespace {
                config["linux"]["namespaces"].append(["type": "user"])
                for kind in ["uidMappings", "gidMappings"] {
                    config["linux"][kind] = [
                        ["containerID": 0, "hostID": 100_000, "size": 65536]
                    ]
                }
            }
            let most = "read:/proc/sys/user/max_user_namespaces"
            let facts = try box.probe(config, ["call:unshare-user", "call:packet", most])
            #expect(facts.result("call:unshare-user") == "EPERM")
            #expect(facts.result("call:packet") == "EAFNOSUPPORT")
            #expect((facts.found(most) == "0\n") == hasUserNamespace)
            config["linux"]["sysctl"] = ["user.max_user_namespaces": "7"]
            if hasUserNamespace {
                #expect(try box.probe(config, [most]).found(most) == "7\n")
            }
        }
    }

    @Test(arguments: ["default", "profile.json"])
    func `the default profile blocks what a container has no business with`(
        _ name: String
    ) throws {
        try Sandbox.use { box in
            try box.write(
                "bundle/profile.json", Host.read(Host.repository + "/config/seccomp.json"))
            var config = box.config()
            config["vfs"]["seccomp"] = .string(name)
            let calls = [
                "mount", "umount", "unshare-user", "unshare-mount", "bpf", "keyctl", "reboot",
                "fsopen", "io_uring", "userfaultfd", "open_by_handle_at", "settimeofday",
                "kexec_load", "vsock",
            ]
            let facts = try box.probe(config, calls.map { "call:\($0)" } + ["call:clone3"])
            #expect(facts["seccomp"] == 2)
            for call in calls {
                #expect(
                    ["EPERM", "EAFNOSUPPORT"].contains(facts.result("call:\(call)")), "\(call)")
            }
            // C libraries fall back to clone only from this errno.
            #expect(facts.result("call:clone3") == "ENOSYS")
        }
    }

    @Test func `a compiled filter is kept once and used again`() throws {
        try Sandbox.use { box in
            let cache = "/var/cache/vfs-run/seccomp"
            var config = box.config()
            // A profile that nobody has compiled before.
            config["linux"]["seccomp"] = profile("SCMP_ACT_ERRNO")
            config["linux"]["seccomp"]["syscalls"][0]["errnoRet"] = .integer(Int64(getpid() % 4000))
            config["linux"]["seccomp"]["comment"] = .string(box.directory)
            func mine() -> [String: timespec] {
                var found: [String: timespec] = [:]
                for name in TreeSnapshot.names(in: cache)
                where Host.read("\(cache)/\(name)").contains(box.directory) {
                    var status = stat()
                    stat("\(cache)/\(name)", &status)
                    #expect(status.st_mode & 0o777 == 0o600)
                    found[name] = status.st_mtim
                }
                return found
            }
            _ = try box.probe(config)
            let first = mine()
            #expect(first.count == 1)
            _ = try box.probe(config)
            let second = mine()
            #expect(second.count == 1)
            for (name, time) in first {
                #expect(second[name]?.tv_nsec == time.tv_nsec)
                // What is not ours is not believed: the filter is compiled anew.
                chmod("\(cache)/\(name)", 0o666)
                let facts = try box.probe(config, ["mkdir:/tmp/x"])
                #expect(facts.result("mkdir:/tmp/x") != "ok")
                unlink("\(cache)/\(name)")
            }
        }
    }
}
