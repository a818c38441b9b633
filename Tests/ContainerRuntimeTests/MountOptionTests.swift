import JSON
import LinuxSystem
import OCISpec
import Testing

@testable import ContainerRuntime

@Suite struct `Mount options` {
    /// The table of the runtime specification 1.3.0, "Linux mount options".
    static let specification = [
        "async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "iversion",
        "lazytime", "loud", "mand", "noatime", "nodev", "nodiratime", "noexec", "noiversion",
        "nolazytime", "nomand", "norelatime", "nostrictatime", "nosuid", "nosymfollow", "private",
        "ratime", "rbind", "rdev", "rdiratime", "relatime", "remount", "rexec", "rnoatime",
        "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "ro",
        "rprivate", "rrelatime", "rro", "rrw", "rshared", "rslave", "rstrictatime", "rsuid",
        "rsymfollow", "runbindable", "rw", "shared", "silent", "slave", "strictatime", "suid",
        "symfollow", "sync", "tmpcopyup", "unbindable", "idmap", "ridmap",
    ]

    @Test(arguments: specification)
    func `of the specification are all known`(_ name: String) {
        #expect(MountOption.named(name) != nil)
    }

    @Test func `stand once in the table`() {
        let names = MountOption.table.map(\.name)
        #expect(Set(names).count == names.count)
    }

    /// A mount of a file system with these options.
    private func mount(_ options: [String]) throws -> Configuration.Mount {
        let list = JSONOutput.array(options.map(JSONOutput.string)).compactText
        let config = ConfigFixture(
            "mounts", #"[{"destination": "/x", "type": "tmpfs", "options": \#(list)}]"#)
        return try #require(try config.build().configuration.mounts.first)
    }

    struct Effect: Sendable {
        var options: [String]
        var set: MountAttributes = []
        var clear: MountAttributes = []
        var setRecursively: MountAttributes = []
        var clearRecursively: MountAttributes = []

        init(
            _ options: String..., set: MountAttributes = [], clear: MountAttributes = [],
            setRecursively: MountAttributes = [], clearRecursively: MountAttributes = []
        ) {
            self.options = options
            self.set = set
            self.clear = clear
            self.setRecursively = setRecursively
            self.clearRecursively = clearRecursively
        }
    }

    static let attributes: [Effect] = [
        Effect("ro", set: .readOnly), Effect("rw", clear: .readOnly),
        Effect("nosuid", set: .noSetUserID), Effect("suid", clear: .noSetUserID),
        Effect("nodev", set: .noDevices), Effect("dev", clear: .noDevices),
        Effect("noexec", set: .noExecution), Effect("exec", clear: .noExecution),
        Effect("noatime", set: .noAccessTime), Effect("atime", clear: .noAccessTime),
        Effect("strictatime", set: .strictAccessTime),
        Effect("nostrictatime", clear: .strictAccessTime),
        Effect("relatime", clear: .accessTimeMask), Effect("norelatime", clear: .accessTimeMask),
        Effect("nodiratime", set: .noDirectoryAccessTime),
        Effect("diratime", clear: .noDirectoryAccessTime),
        Effect("nosymfollow", set: .noSymbolicLinks),
        Effect("symfollow", clear: .noSymbolicLinks),
        Effect("rro", setRecursively: .readOnly), Effect("rrw", clearRecursively: .readOnly),
        Effect("rnosuid", setRecursively: .noSetUserID),
        Effect("rsuid", clearRecursively: .noSetUserID),
        Effect("rnodev", setRecursively: .noDevices), Effect("rdev", clearRecursively: .noDevices),
        Effect("rnoexec", setRecursively: .noExecution),
        Effect("rexec", clearRecursively: .noExecution),
        Effect("rnoatime", setRecursively: .noAccessTime),
        Effect("ratime", clearRecursively: .noAccessTime),
        Effect("rstrictatime", setRecursively: .strictAccessTime),
        Effect("rnostrictatime", clearRecursively: .strictAccessTime),
        Effect("rrelatime", clearRecursively: .accessTimeMask),
        Effect("rnorelatime", clearRecursively: .accessTimeMask),
        Effect("rnodiratime", setRecursively: .noDirectoryAccessTime),
        Effect("rdiratime", clearRecursively: .noDirectoryAccessTime),
        Effect("rnosymfollow", setRecursively: .noSymbolicLinks),
        Effect("rsymfollow", clearRecursively: .noSymbolicLinks),
        Effect("defaults"), Effect("loud"), Effect("silent"), Effect("mand"), Effect("nomand"),
        Effect("iversion"), Effect("noiversion"),
        // A later option overrides an earlier one.
        Effect("ro", "rw", clear: .readOnly), Effect("rw", "ro", set: .readOnly),
        Effect("noexec", "exec", "noexec", set: .noExecution),
        Effect("rro", "rrw", clearRecursively: .readOnly),
        Effect("noatime", "relatime", clear: .accessTimeMask),
        Effect("nosuid", "nodev", "ro", set: [.noSetUserID, .noDevices, .readOnly]),
        Effect("rro", "rw", clear: .readOnly, setRecursively: .readOnly),
    ]

    @Test(arguments: attributes)
    func `set and clear attributes`(_ effect: Effect) throws {
        let mount = try mount(effect.options)
        #expect(mount.set == effect.set)
        #expect(mount.clear == effect.clear)
        #expect(mount.setRecursively == effect.setRecursively)
        #expect(mount.clearRecursively == effect.clearRecursively)
        #expect(mount.kind == .fileSystem(type: "tmpfs", source: nil, parameters: []))
        #expect(mount.propagation.isEmpty)
    }

    static let propagations: [(option: String, kind: MountPropagation, isRecursive: Bool)] = [
        ("private", .private, false), ("rprivate", .private, true), ("shared", .shared, false),
        ("rshared", .shared, true), ("slave", .slave, false), ("rslave", .slave, true),
        ("unbindable", .unbindable, false), ("runbindable", .unbindable, true),
    ]

    @Test(arguments: propagations)
    func `set the propagation`(
        _ row: (option: String, kind: MountPropagation, isRecursive: Bool)
    ) throws {
        let found = try #require(try mount([row.option]).propagation.first)
        #expect(found.kind == row.kind && found.isRecursive == row.isRecursive)
    }

    @Test(arguments: ["sync", "async", "dirsync", "lazytime", "nolazytime"])
    func `of the superblock go to the file system`(_ name: String) throws {
        let parameter = Configuration.Mount.Parameter(key: name)
        #expect(
            try mount([name]).kind
                == .fileSystem(type: "tmpfs", source: nil, parameters: [parameter]))
    }

    @Test func `that nobody knows go to the file system, in order`() throws {
        let mount = try mount(["mode=755", "ro", "huge", "a=b=c", "RO", "size="])
        #expect(
            mount.kind
                == .fileSystem(
                    type: "tmpfs", source: nil,
                    parameters: [
                        .init(key: "mode", value: "755"), .init(key: "huge"),
                        .init(key: "a", value: "b=c"), .init(key: "RO"),
                        .init(key: "size", value: ""),
                    ]))
        #expect(mount.set == .readOnly)
        #expect(mount.optionText == "mode=755,ro,huge,a=b=c,RO,size=")
    }

    static let kinds: [(json: String, kind: Configuration.Mount.Kind)] = [
        (
            #""source": "x", "options": ["bind"]"#, .bind(source: "/bundle/x", isRecursive: false)
        ),
        (#""source": "/x", "options": ["rbind"]"#, .bind(source: "/x", isRecursive: true)),
        (
            #""source": "/x", "options": ["rbind", "bind"]"#,
            .bind(source: "/x", isRecursive: true)
        ),
        (#""source": "/x", "type": "bind""#, .bind(source: "/x", isRecursive: false)),
        (
            #""source": "/x", "type": "tmpfs", "options": ["bind"]"#,
            .bind(source: "/x", isRecursive: false)
        ),
        (#""options": ["remount", "ro"]"#, .remount),
        (#""type": "cgroup""#, .controlGroups), (#""type": "cgroup2""#, .controlGroups),
    ]

    @Test(arguments: kinds)
    func `decide what is mounted`(_ row: (json: String, kind: Configuration.Mount.Kind)) throws {
        let config = ConfigFixture("mounts", #"[{"destination": "/x", \#(row.json)}]"#)
        #expect(try config.build().configuration.mounts.first?.kind == row.kind)
    }
}
