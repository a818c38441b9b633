import Foundation
import Glibc
import Testing

extension Sandbox {
    /// Starts `vfs-run batch OPTIONS` in the caller's working directory.
    func startBatch(
        _ caller: Caller, _ options: [String] = [], global: [String] = [], isQuiet: Bool = true,
        input: Running.Input
    ) throws -> Running {
        let words = global + ["batch"] + (isQuiet ? ["--quiet"] : []) + options
        let variables = [
            "PATH=/usr/bin:/bin", "HOME=\(path("states"))", "XDG_RUNTIME_DIR=\(path("states"))",
        ]
        guard caller == .ordinary else {
            return try Running(
                Host.runtime, words, environment: variables, input: input, directory: work)
        }
        let line = try OrdinaryUser().command(self, path("vfs-run"), words)
        return try Running(
            try #require(Host.find(line[0])), Array(line.dropFirst()), environment: variables,
            input: input, directory: work)
    }

    /// The answers to lines, in the order in which they came.
    func batch(
        _ caller: Caller = .root, _ options: [String] = [], lines: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [Value] {
        let outcome = try watchingFiles(sourceLocation: sourceLocation) {
            try startBatch(
                caller, options, input: .bytes(Array((lines.joined(separator: "\n") + "\n").utf8))
            ).finish(seconds: 60)
        }
        #expect(outcome.code == 0, "\(outcome)", sourceLocation: sourceLocation)
        return try outcome.output.split(separator: "\n").map { try Value(parsing: String($0)) }
    }

    /// The same for jobs, with the answer of each under its id.
    func batch(
        _ caller: Caller = .root, _ options: [String] = [], jobs: [Value],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [String: Value] {
        let answers = try batch(
            caller, options, lines: jobs.map(\.text), sourceLocation: sourceLocation)
        #expect(answers.count == jobs.count, "\(answers)", sourceLocation: sourceLocation)
        return Dictionary(answers.map { ($0["id"].string ?? "", $0) }) { $1 }
    }
}

extension Value {
    /// A job that runs a script.
    static func job(_ id: String, shell script: String) -> Value {
        ["id": .string(id), "args": ["sh", "-c", .string(script)]]
    }

    var standardOutput: String? { self["stdout"]["text"].string }
    var status: String? { self["report"]["status"].string }
}

/// One end of a connection to a batch that listens.
final class BatchConnection {
    private let socket: CInt
    private var bytes: [UInt8] = []

    /// Waits until the batch listens.
    init(_ path: String) throws {
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let deadline = Date().addingTimeInterval(10)
        while true {
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if result == 0 { return }
            if Date() > deadline { throw Failure("connect: \(path): errno \(errno)") }
            sched_yield()
        }
    }

    deinit { close(socket) }

    func send(_ line: Value) {
        let bytes = Array((line.text + "\n").utf8)
        _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Nil at the end.
    func receive(seconds: Int32 = 20) throws -> Value? {
        while true {
            if let end = bytes.firstIndex(of: 0x0a) {
                let line = String(decoding: bytes[..<end], as: UTF8.self)
                bytes.removeSubrange(...end)
                return try Value(parsing: line)
            }
            var polled = pollfd(fd: socket, events: CShort(POLLIN), revents: 0)
            if poll(&polled, 1, seconds * 1000) != 1 { throw Failure("no answer") }
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = read(socket, &buffer, buffer.count)
            if count <= 0 { return nil }
            bytes += buffer[..<count]
        }
    }

    func ask(_ line: Value) throws -> Value {
        send(line)
        return try #require(try receive())
    }

    /// Nothing more comes from here.
    func endWriting() { shutdown(socket, Int32(SHUT_WR)) }
}
