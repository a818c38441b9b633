public import JSON

/// Which members the readers of a document ask for, and what each may be. The readers are the only table
/// of the keys: `lint` finds by it what no reader asks for, and the JSON schema is made of it.
///
/// A start records nothing.
public final class KeyRecorder {
    /// The value of a member.
    public indirect enum Shape {
        case any, string, bool, object
        case integer(least: JSONOutput, most: JSONOutput)
        case word([String])
        case list(Shape)
    }

    /// An object of the document.
    public struct Object {
        let value: JSONValue
        public fileprivate(set) var keys: [String] = []
        public fileprivate(set) var shapes: [String: Shape] = [:]
        public fileprivate(set) var required: Set<String> = []
        /// What stands under names that the document chooses; nil where the names are given.
        public fileprivate(set) var named: Shape?
        /// Whether an unknown member is an error already.
        public fileprivate(set) var isStrict = false
    }

    /// By the offsets of the objects.
    public private(set) var objects: [Int: Object] = [:]

    public init() {}

    func note(_ value: JSONValue, _ key: String, _ shape: Shape, required: Bool = false) {
        change(value) { object in
            if required { object.required.insert(key) }
            if let known = object.shapes[key] {
                // What is asked for as such first may be of several kinds.
                if case .any = known { return }
                if shape.rank > known.rank { object.shapes[key] = shape }
            } else {
                object.keys.append(key)
                object.shapes[key] = shape
            }
        }
    }

    func noteNamed(_ value: JSONValue, _ shape: Shape) { change(value) { $0.named = shape } }

    func noteStrict(_ value: JSONValue) { change(value) { $0.isStrict = true } }

    private func change(_ value: JSONValue, _ body: (inout Object) -> Void) {
        var object = objects[value.offset] ?? Object(value: value)
        body(&object)
        objects[value.offset] = object
    }
}

extension KeyRecorder.Shape {
    /// How much it says.
    fileprivate var rank: Int {
        switch self {
        case .any: 0
        case .list(.any): 1
        case .string, .bool, .object, .integer, .word, .list: 2
        }
    }

    static func integer<Number: FixedWidthInteger>(_ type: Number.Type) -> Self {
        let least: JSONOutput = Number.isSigned ? .integer(Int64(Number.min)) : .integer(0)
        return .integer(least: least, most: .unsigned(UInt64(Number.max)))
    }

    static func word<Choice: RawRepresentable<String> & CaseIterable>(_ type: Choice.Type) -> Self {
        .word(Choice.allCases.map(\.rawValue))
    }
}

extension Diagnostics {
    /// Reports each member that no reader has asked for.
    ///
    /// - Parameter foreign: Members of the document itself that are known and not read.
    public func reportUnknownMembers(_ recorder: KeyRecorder, foreign: Set<String>) {
        for (offset, object) in recorder.objects where object.named == nil && !object.isStrict {
            for (key, _) in object.value.members {
                guard let name = key.string, object.shapes[name] == nil else { continue }
                if offset == document.root.offset && foreign.contains(name) { continue }
                // Seccomp profiles have their remarks under it.
                if name == "comment" { continue }
                if let meant = object.keys.first(where: { $0.lowercased() == name.lowercased() }) {
                    warning(
                        "is read as \"\(meant)\", and not by every runtime; write that",
                        at: key.offset)
                    continue
                }
                let near = nearestName(to: name, in: object.keys)
                let rest =
                    near.map { "did you mean \"\($0)\"?" }
                    ?? "the keys here are \(object.keys.joined(separator: ", "))"
                warning("is unknown and has no effect; \(rest)", at: key.offset)
            }
        }
    }
}
