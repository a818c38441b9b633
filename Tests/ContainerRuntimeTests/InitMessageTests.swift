import LinuxSystem
import Testing

@testable import ContainerRuntime

@Suite struct `Messages of the init process` {
    static let ended: Failure = {
        var failure = Failure("é😀\n", .interrupted)
        failure.signal = 15
        return failure
    }()

    static let messages: [InitMessage] = [
        .terminal, .forked, .ready, .proxy, .upper(), .upper(tree: 300), .listener(descriptor: 3),
        .listener(descriptor: 65535),
        .failed(step: 0, Failure("")),
        .failed(step: 44, Failure("\"ls\": not found in the container's PATH", .programNotFound)),
        .failed(step: 65535, ended),
        .failed(step: 256, Failure(String(repeating: "x", count: 4096), .programNotExecutable)),
    ]

    @Test(arguments: messages)
    func `arrive as they were sent`(_ message: InitMessage) {
        #expect(InitMessage(message.encoded) == message)
    }

    @Test(
        arguments: [
            [], [0], [1, 0], [2], [2, 0, 0, 0], [3], [3, 0, 0, 0, 0],
            [6, 1, 0, 1, 0xe2], [255], [0, 1, 2, 3, 4, 5],
        ] as [[UInt8]])
    func `of another version are not understood`(_ bytes: [UInt8]) {
        #expect(InitMessage(bytes) == nil)
    }

    @Test func `that are too long are cut and still arrive`() {
        let long = InitMessage.failed(
            step: 1, Failure(String(repeating: "é", count: 100_000)))
        #expect(long.encoded.count <= 12005)
        guard case .failed(1, let failure) = InitMessage(long.encoded) else {
            Issue.record("not understood")
            return
        }
        #expect(failure.message.hasPrefix("ééé"))
    }
}
