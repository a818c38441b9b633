import JSON
import LinuxSystem
import SystemPackage

@testable import ContainerRuntime
@testable import Images
@testable import Layers

/// Feeds bytes to the readers of stored states and of messages between the runtime's processes. The
/// first byte, a digit, selects the reader.
func readState(_ bytes: [UInt8]) {
    guard let kind = bytes.first else { return }
    let content = Array(bytes.dropFirst())
    switch kind {
    case UInt8(ascii: "0"): list(content)
    case UInt8(ascii: "1"): readUpperRecord(content, "layers.json")
    case UInt8(ascii: "2"): readUpperRecord(content, "process.json")
    case UInt8(ascii: "3"):
        if let message = InitMessage(content) {
            precondition(InitMessage(message.encoded) != nil)
        }
    case UInt8(ascii: "4"):
        if let message = BlobMessage(content) { _ = message.bytes }
    default: break
    }
}

/// Reads states as `list` does.
private func list(_ content: [UInt8]) {
    let scratch = Scratch()
    do throws(Errno) {
        try HostPath.makeDirectory("\(scratch.inside)/x", mode: 0o700)
        let directory = try scratch.directory("inside/x")
        try directory.borrowed.replaceFile("state.json", with: content, mode: 0o600)
    } catch {
        fatalError("the scratch directory: \(error)")
    }
    _ = try? ContainerStore(root: scratch.inside).reports(mustExist: true) { _, error in
        checkRefused(error.message)
    }
    guard let document = try? JSONDocument(content),
        let state = try? ContainerState(document.root), let text = try? state.encoded()
    else { return }
    guard let again = try? JSONDocument(text), let same = try? ContainerState(again.root),
        let copy = try? same.encoded()
    else { preconditionFailure("what was written cannot be read") }
    precondition(copy == text)
}

private func readUpperRecord(_ content: [UInt8], _ name: String) {
    let scratch = Scratch()
    do throws(Errno) {
        try HostPath.makeDirectory("\(scratch.inside)/upper", mode: 0o755)
        let directory = try scratch.directory()
        try directory.borrowed.replaceFile(name, with: content, mode: 0o600)
    } catch {
        fatalError("the scratch directory: \(error)")
    }
    do throws(Failure) {
        let upper = try KeptUpper(opening: scratch.inside)
        _ = try upper.isInUse()
        if let record = try upper.record() { _ = record.marks }
    } catch {
        checkRefused(error.message)
    }
}
