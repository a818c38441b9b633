import JSON
import LinuxSystem
import OCISpec
import Testing

@testable import ContainerRuntime

@Suite struct `Unknown keys and the schema` {
    private func findings(_ rule: String, _ text: String) throws -> [String] {
        Advice.findings(try JSONDocument(Array(text.utf8)), file: "c").filter { $0.rule == rule }
            .map { "\($0.diagnostic.path): \($0.diagnostic.message)" }
    }

    @Test(arguments: [
        (#"{"proces": {}}"#, "proces: is unknown and has no effect; did you mean \"process\"?"),
        (
            #"{"process": {"noNewPrivilege": true}}"#,
            "process.noNewPrivilege: is unknown and has no effect; did you mean \"noNewPrivileges\"?"
        ),
        (
            #"{"hostName": "x"}"#,
            "hostName: is read as \"hostname\", and not by every runtime; write that"
        ),
        (
            #"{"linux": {"resources": {"memory": {"max": 1}}}}"#,
            "linux.resources.memory.max: is unknown and has no effect; the keys here are "
        ),
        (
            #"{"linux": {"limits": 1}}"#,
            "linux.limits: is unknown and has no effect; the keys here are "
        ),
        (
            #"{"mounts": [{"destination": "/x", "option": []}]}"#,
            "mounts[0].option: is unknown and has no effect; did you mean \"options\"?"
        ),
    ])
    func `are found wherever they stand, with the one that is meant`(text: String, says: String)
        throws
    {
        let found = try findings("unknown-key", text)
        #expect(found.count == 1 && found[0].hasPrefix(says), "\(found)")
    }

    @Test func `names that the document chooses, other systems and what is refused are none`()
        throws
    {
        let text = #"""
            {"$schema": "x", "annotations": {"any": "x"}, "windows": {}, "linux": {"sysctl": {"a.b": "1"},
            "netDevices": {"eth0": {}}, "resources": {"unified": {"a": "b"}, "rdma": {"x": {}}},
            "timeOffsets": {"boottime": {"secs": 1}}}, "vfs": {"sise": 1}}
            """#
        #expect(try findings("unknown-key", text) == [])
        #expect(try findings("unknown-key", fullConfig.text) == [])
    }

    @Test func `the host's root as the root is warned of`() throws {
        for path in ["/", "//", "/usr/.."] {
            #expect(try findings("host-root", #"{"root": {"path": "\#(path)"}}"#).count == 1)
        }
        #expect(try findings("host-root", #"{"root": {"path": "rootfs"}}"#) == [])
    }

    @Test func `the advice on a user namespace is right as it stands`() throws {
        let text = ConfigFixture().text
        let advice = try #require(try findings("user-namespace", text).first)
        #expect(
            advice.contains(
                #"add {"type": "user"}, and to linux "uidMappings" and "gidMappings", both "#))
        let mapping = #"[{"containerID": 0, "hostID": 100000, "size": 65536}]"#
        #expect(advice.hasSuffix(mapping))
        var config = ConfigFixture()
        config.set(
            "linux",
            "{\"namespaces\": [{\"type\": \"mount\"}, {\"type\": \"user\"}],"
                + " \"uidMappings\": \(mapping), \"gidMappings\": \(mapping)}")
        _ = try config.build()
        #expect(try findings("user-namespace", config.text) == [])
    }

    @Test func `the schema has every key with its kind, to the innermost`() throws {
        let schema = try JSONDocument(Array(SpecSchema.text.utf8)).root
        func at(_ keys: String...) -> JSONValue? {
            var value: JSONValue? = schema
            for key in keys {
                value = value?["properties"]?[key]
                if let items = value?["items"] { value = items }
                if let choice = value?["anyOf"]?.elements.first { value = choice }
            }
            return value
        }
        #expect(schema["required"]?.elements.map(\.string) == ["ociVersion"])
        #expect(at("process", "noNewPrivileges")?["type"]?.string == "boolean")
        #expect(at("process", "user", "uid")?["maximum"]?.integer(UInt32.self) == .max)
        #expect(at("mounts", "options")?["type"]?.string == "string")
        #expect(at("linux", "seccomp", "syscalls", "args", "value")?["type"]?.string == "integer")
        #expect(at("linux", "namespaces", "type")?["enum"]?.elements.count == 8)
        #expect(at("linux", "resources", "memory", "limit")?["type"]?.string == "integer")
        #expect(at("hooks", "poststop", "timeout") != nil)
        #expect(at("vfs", "overlay", "layers")?["type"]?.string == "string")
        #expect(at("vfs", "network", "proxy")?["type"]?.string == "string")
        #expect(at("vfs", "files")?["additionalProperties"]?.bool == false)
        #expect(at("annotations")?["additionalProperties"]?["type"]?.string == "string")
    }
}
