import Glibc
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// `vfs.network` with a proxy: 127.0.0.1:3128 inside is a Unix socket outside, and there is no other
/// way.
struct NetworkProxyTests {
    private func run(
        _ box: Sandbox, _ script: String, environment: [String] = []
    ) throws -> Outcome {
        var config = box.config()
        config["vfs"]["network"] = ["proxy": .string(box.path("proxy.sock"))]
        for entry in environment { config["process"]["env"].append(.string(entry)) }
        config.run(["sh", "-c", script])
        let file = try box.write("bundle/config.json", config.prettyText)
        return try Running(Host.runtime, [file]).finish(seconds: 60)
    }

    /// Answers what a proxy would, and with the first line of the request.
    private func serve(_ connection: FileDescriptor) {
        var request: [UInt8] = []
        while !request.contains(0x0a), let bytes = connection.take() { request += bytes }
        let line = String(decoding: request.prefix { $0 != 0x0d && $0 != 0x0a }, as: UTF8.self)
        let body = "asked: \(line)\n"
        connection.put(
            Array("HTTP/1.0 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8))
    }

    @Test func `programs find the proxy by their variables, and the socket has the request`() throws
    {
        try Sandbox.use { box in
            let server = try SocketServer(box.path("proxy.sock"), serve: serve)
            defer { server.stop() }
            let outcome = try run(
                box,
                """
                echo "GET http://example.org/page HTTP/1.1" | nc 127.0.0.1 3128 | tail -n 1
                echo $http_proxy $HTTPS_PROXY $no_proxy
                nc -w 2 10.9.0.2 80 < /dev/null 2>/dev/null || echo no other way
                """)
            #expect(outcome.code == 0, "\(outcome)")
            #expect(
                outcome.output == """
                    asked: GET http://example.org/page HTTP/1.1
                    http://127.0.0.1:3128 http://127.0.0.1:3128 localhost,127.0.0.1,::1
                    no other way

                    """, "\(outcome)")
        }
    }

    @Test func `variables of the config come first`() throws {
        try Sandbox.use { box in
            let server = try SocketServer(box.path("proxy.sock"), serve: serve)
            defer { server.stop() }
            let outcome = try run(
                box, "echo $http_proxy $https_proxy", environment: ["http_proxy=http://other:1"])
            #expect(outcome.output == "http://other:1 http://127.0.0.1:3128\n", "\(outcome)")
        }
    }

    @Test func `megabytes go both ways, and an end is passed on`() throws {
        try Sandbox.use { box in
            let server = try SocketServer(box.path("proxy.sock")) { connection in
                var count = 0
                while let bytes = connection.take() { count += bytes.count }
                // Only after the end of what came.
                let answer = [UInt8](repeating: 0x78, count: 1 << 23) + Array("\n\(count)\n".utf8)
                var rest = answer[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes {
                        Glibc.write(connection.rawValue, $0.baseAddress, $0.count)
                    }
                    if count <= 0 { return }
                    rest = rest.dropFirst(count)
                }
            }
            defer { server.stop() }
            let outcome = try run(
                box,
                """
                head -c 20000000 /dev/zero | nc 127.0.0.1 3128 > /answer
                tail -n 1 /answer; wc -c < /answer
                """)
            #expect(outcome.output == "20000000\n8388618\n", "\(outcome)")
        }
    }

    @Test func `connections have a limit, and more of them wait`() throws {
        try Sandbox.use { box in
            let most = Atomic(0)
            let now = Atomic(0)
            let server = try SocketServer(box.path("proxy.sock")) { connection in
                let count = now.add(1, ordering: .sequentiallyConsistent).newValue
                var seen = most.load(ordering: .sequentiallyConsistent)
                while seen < count {
                    let (done, value) = most.compareExchange(
                        expected: seen, desired: count, ordering: .sequentiallyConsistent)
                    if done { break }
                    seen = value
                }
                while connection.take() != nil {}
                now.subtract(1, ordering: .sequentiallyConsistent)
                connection.put(Array("done\n".utf8))
            }
            defer { server.stop() }
            let outcome = try run(
                box,
                """
                for i in $(seq 100); do echo $i | nc 127.0.0.1 3128 > /answer.$i & done
                wait; cat /answer.* | sort | uniq -c
                """)
            #expect(outcome.output.split(separator: " ").joined(separator: " ") == "100 done\n")
            #expect(most.load(ordering: .sequentiallyConsistent) <= 64)
        }
    }

    @Test func `a proxy that has gone is a warning, and each connection is closed`() throws {
        try Sandbox.use { box in
            let server = try SocketServer(box.path("proxy.sock"), serve: serve)
            var config = box.config()
            config["vfs"]["network"] = ["proxy": .string(box.path("proxy.sock"))]
            let run = try box.start(
                config,
                arguments: ["sh", "-c", "echo ready; read go; nc 127.0.0.1 3128 < /dev/null"],
                input: .open)
            #expect(try run.readLine() == "ready")
            server.stop()
            run.write("go\n")
            let outcome = try run.finish()
            #expect(outcome.error.contains("did not take 1 of 1 connections"), "\(outcome)")
        }
    }

    @Test func `a proxy that is not there is an error before anything runs`() throws {
        try Sandbox.use { box in
            let missing = try run(box, "echo it ran")
            #expect(missing.code == 125 && missing.output.isEmpty)
            #expect(missing.error.contains("start the proxy before the container"), "\(missing)")
            try box.write("proxy.sock", "")
            let file = try run(box, "echo it ran")
            #expect(file.code == 125)
            #expect(file.error.contains("is no socket"), "\(file)")
        }
    }

    @Test func `a container that never reads holds up nothing`() throws {
        try Sandbox.use { box in
            let server = try SocketServer(box.path("proxy.sock")) { connection in
                let chunk = [UInt8](repeating: 0x78, count: 1 << 16)
                while connection.put(chunk) {}
            }
            defer { server.stop() }
            let outcome = try run(
                box,
                "for i in 1 2 3 4; do sleep 1000 | nc 127.0.0.1 3128 | sleep 1000 & done; echo x")
            #expect(outcome.code == 0 && outcome.output == "x\n", "\(outcome)")
        }
    }
}
