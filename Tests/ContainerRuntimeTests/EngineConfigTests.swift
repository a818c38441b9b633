import JSON
import LinuxSystem
import OCISpec
import Seccomp
import TestSupport
import Testing

@testable import ContainerRuntime

/// Configs that engines have written (Tests/configs).
@Suite struct `Configs of engines` {
    /// podman of an ordinary user runs the runtime as root of its own user namespace.
    private func invocation(_ config: EngineConfig) -> Invocation {
        var invocation = Invocation()
        invocation.overlaysByDefault = false
        invocation.hasTerminal = true
        invocation.controlGroups = .always
        let isRootless =
            config.engine == "podman-rootless" || config.text.contains("keep_original_groups")
        invocation.privilege = isRootless ? .nested : .full
        return invocation
    }

    private func facts() -> HostFacts {
        var facts = HostFacts()
        facts.ownCapabilities = CapabilitySet(rawValue: .max)
        return facts
    }

    /// What is wrong with them, or with the machine that they were written for.
    private static let remarks = [
        // podman --ulimit nofile=100:200 with a limit of the host's below the default.
        "exceeds the hard limit",
        // podman --mount type=bind,idmap without a user namespace.
        "the container has none; add mappings to the mount",
        // docker run --kernel-memory
        "kernels limit it together with the rest",
        // Ambient capabilities that are not inheritable, as buildah asks for.
        "can't raise ambient capability",
    ]

    @Test(arguments: EngineConfig.engines)
    func `they are checked and planned without a word`(_ engine: String) throws {
        let configs = try EngineConfig.all(of: engine)
        #expect(configs.count > 9)
        for config in configs {
            let document = try JSONDocument(Array(config.text.utf8))
            do {
                let (configuration, warnings) = try ConfigurationBuilder.build(
                    document, file: "config.json", bundle: "/bundle", invocation(config)
                ) { _ in facts() }
                let said = warnings.map(\.text).filter { text in
                    !Self.remarks.contains { text.contains($0) }
                }
                #expect(said == [], "\(config.description)")
                let plan = try Planner.plan(
                    configuration, document: document, file: "config.json",
                    seccompCache: SeccompCache(directory: "/nonexistent"))
                #expect(plan.steps.count > 20, "\(config.description)")
            } catch let error as ConfigurationError {
                let said = error.diagnostics.map(\.text).filter { text in
                    !Self.remarks.contains { text.contains($0) }
                }
                #expect(said == [], "\(config.description)")
            }
        }
    }

    @Test(arguments: EngineConfig.engines)
    func `lint knows every key that they have`(_ engine: String) throws {
        for config in try EngineConfig.all(of: engine) {
            let document = try JSONDocument(Array(config.text.utf8))
            let found = Advice.findings(document, file: "config.json").filter {
                ["unknown-key", "engine-annotation"].contains($0.rule)
            }
            let isAsked = { (text: String) in
                config.text.contains("run.oci.") && text.contains("make sure that it does")
            }
            #expect(
                found.map(\.diagnostic.text).filter { !isAsked($0) } == [],
                "\(config.description)")
        }
    }

    @Test func `the caller's groups stay without root alone`() throws {
        var config = ConfigFixture("annotations", #"{"run.oci.keep_original_groups": "1"}"#)
        config.set("process", #"{"cwd": "/", "args": ["sh"], "user": {"additionalGids": [7]}}"#)
        #expect(
            try config.diagnostics() == [
                "config.json:6:49: warning: annotations[\"run.oci.keep_original_groups\"]: is ignored for"
                    + " root, whose container gets the groups of the config; run vfs-run without root"
                    + " privileges"
            ])
        var invocation = Invocation()
        invocation.overlaysByDefault = false
        invocation.privilege = .nested
        let user = try config.build(invocation).configuration.process.user.value
        #expect(user.keepsGroups)
        config.set("annotations", #"{"run.oci.keep_original_groups": "0"}"#)
        #expect(try config.build(invocation).configuration.process.user.value.keepsGroups == false)
    }

    @Test func `lint tells of annotations that an image could plant`() throws {
        let document = try JSONDocument(
            Array(
                #"""
                {"annotations": {"run.oci.keep_original_groups": "1", "run.oci.handler": "wasm",
                 "org.criu.config": "/x"}}
                """#.utf8))
        let found = Advice.findings(document, file: "c").filter { $0.rule == "engine-annotation" }
        #expect(found.count == 3)
        #expect(found[2].diagnostic.message.contains("settings of criu"))
        #expect(found[0].diagnostic.message.contains("keeps the supplementary groups"))
        #expect(found[1].diagnostic.message.contains("has no effect"))
    }
}
