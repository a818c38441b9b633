import ContainerRuntime
import JSON
import OCISpec
import Seccomp

/// A small config.json that nothing is wrong with, one top-level member a line.
struct ConfigFixture: Sendable {
    private var members: [(key: String, value: String)] = [
        ("ociVersion", #""1.3.0""#),
        ("process", #"{"cwd": "/", "args": ["sh"]}"#),
        ("root", #"{"path": "rootfs"}"#),
        ("linux", #"{"namespaces": [{"type": "mount"}]}"#),
    ]

    /// - Parameters:
    ///   - key: The member that is replaced, or added as the last: line 6.
    ///   - value: JSON; nil removes the member.
    init(_ key: String = "", _ value: String? = nil) {
        set(key, value)
    }

    mutating func set(_ key: String, _ value: String?) {
        let index = members.firstIndex { $0.key == key }
        switch (index, value) {
        case (let index?, let value?): members[index].value = value
        case (let index?, nil): members.remove(at: index)
        case (nil, let value?): members.append((key, value))
        case (nil, nil): break
        }
    }

    var text: String {
        "{\n" + members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ",\n") + "\n}\n"
    }

    func build(_ invocation: Invocation = Invocation(), bundle: String = "/bundle") throws -> (
        configuration: Configuration, warnings: [Diagnostic], document: JSONDocument
    ) {
        let document = try JSONDocument(Array(text.utf8))
        let (configuration, warnings) = try ConfigurationBuilder.build(
            document, file: "config.json", bundle: bundle, invocation)
        return (configuration, warnings, document)
    }

    /// All that is said about it, errors and warnings.
    func diagnostics(_ invocation: Invocation = Invocation()) throws -> [String] {
        do {
            return try build(invocation).warnings.map(\.text)
        } catch let error as ConfigurationError {
            return error.diagnostics.map(\.text)
        }
    }

    func plan(_ invocation: Invocation = Invocation()) throws -> Plan {
        let (configuration, _, document) = try build(invocation)
        return try Planner.plan(
            configuration, document: document, file: "config.json",
            seccompCache: SeccompCache(directory: "/nonexistent"))
    }
}
