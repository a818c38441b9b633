import Foundation
import Glibc
import Testing

/// `vfs-run batch --listen`, and its sessions.
struct BatchSocketTests {
    private func serve(
        _ box: Sandbox, _ options: [String] = [], _ body: (String, Running) throws -> Void
    ) throws {
        try box.prepareWork(.root)
        let path = box.path("work/socket")
        let batch = try box.startBatch(
            .root, ["-j", "2", "--listen", path] + options, input: .bytes([]))
        try body(path, batch)
        batch.send(SIGTERM)
        let outcome = try batch.finish()
        #expect(outcome.code == 128 + SIGTERM, "\(outcome)")
        #expect(access(path, F_OK) != 0)
    }

    @Test func `jobs over a socket are answered, and the rest when the input ends`() throws {
        try Sandbox.use { box in
            try serve(box) { path, _ in
                let connection = try BatchConnection(path)
                var status = stat()
                #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
                #expect(try connection.ask(.job("1", shell: "echo a")).standardOutput == "a\n")
                for number in 2...4 { connection.send(.job("\(number)", shell: "true")) }
                connection.endWriting()
                var ids: Set<String> = []
                while let answer = try connection.receive() {
                    ids.insert(answer["id"].string ?? "")
                }
                #expect(ids == ["2", "3", "4"])
            }
        }
    }

    @Test func `another user is not served`() throws {
        try Sandbox.use { box in
            try serve(box) { path, _ in
                _ = try BatchConnection(path)
                chmod(path, 0o666)
                let script = """
                    import socket
                    s = socket.socket(socket.AF_UNIX); s.connect("\(path)")
                    try:
                        s.sendall(b'{"args":["true"]}\\n')
                        print(len(s.recv(100)))
                    except OSError: print(0)
                    """
                let line = try OrdinaryUser().command(
                    box, "/usr/bin/python3", ["-c", script])
                let outcome = try Running(
                    try #require(Host.find(line[0])), Array(line.dropFirst())
                ).finish()
                #expect(outcome.output == "0\n", "\(outcome)")
            }
        }
    }

    @Test func `the jobs of a broken connection are killed`() throws {
        try Sandbox.use { box in
            try serve(box) { path, _ in
                var connection: BatchConnection? = try BatchConnection(path)
                #expect(try connection?.ask(["op": "create", "session": "a"])["error"] == .null)
                connection?.send(.job("endless", shell: "echo \(box.directory); sleep 1000"))
                connection?.send(["op": "exec", "session": "a", "args": ["sleep", "1000"]])
                connection = nil
                // Both slots and the session are there again for the next one.
                let next = try BatchConnection(path)
                for number in 1...3 {
                    #expect(try next.ask(.job("\(number)", shell: "true")).status == "OK")
                }
                #expect(try next.ask(["op": "create", "session": "a"])["error"] == .null)
            }
        }
    }

    @Test func `files of a session stay from one command to the next`() throws {
        try Sandbox.use { box in
            try serve(box, ["-m", "128m"]) { path, _ in
                let connection = try BatchConnection(path)
                func ask(_ operation: String, _ more: Value = [:]) throws -> Value {
                    var line = more
                    line["op"] = .string(operation)
                    line["session"] = "a"
                    let answer = try connection.ask(line)
                    #expect(answer["session"] == "a")
                    return answer
                }
                func run(_ script: String) throws -> Value {
                    try ask("exec", ["args": ["sh", "-c", .string(script)]])
                }
                let seed: Value = ["/tmp/seed": ["text": "s"]]
                #expect(try ask("create", ["files": seed, "env": ["A": "b"]])["error"] == .null)
                let first = try run(
                    "cat /tmp/seed; echo $A; echo x > /tmp/x; echo new > file; rm -r folder")
                #expect(first.standardOutput == "sb\n" && first.status == "OK", "\(first)")
                #expect(
                    try run("cat /tmp/x file; ls; exit 3").standardOutput
                        == "x\nnew\nfile\nsocket\n")
                #expect(try run("exit 3")["report"]["exit_code"] == 3)
                #expect(
                    try ask("put", ["files": ["/tmp/p/q": ["base64": "AAH/"]]])["error"] == .null)
                let lost = try ask("exec", ["args": ["true"], "cwd": "/tmp/none"])
                #expect(lost["error"].string?.contains("/tmp/none") == true, "\(lost)")
                #expect(try run("ls -d /tmp/none")["report"]["exit_code"] != 0)
                let got = try ask(
                    "get", ["paths": ["/tmp/p/q", "/tmp", "/no", "\(box.work)/file"]])
                #expect(got["files"]["/tmp/p/q"] == ["base64": "AAH/", "mode": "644"], "\(got)")
                #expect(got["files"]["\(box.work)/file"] == ["text": "new\n", "mode": "644"])
                #expect(got["files"].object?["/tmp"] == .null, "\(got)")
                #expect(got["files"].object?["/no"] == .null, "\(got)")
                #expect(try ask("snapshot")["snapshot"] == 1)
                _ = try run("rm -r /tmp/p; echo y > /tmp/x; echo z > file; touch /tmp/later")
                #expect(try ask("undo")["snapshot"] == 1)
                #expect(try run("cat /tmp/x file; ls /tmp/p").standardOutput == "x\nnew\nq\n")
                #expect(try run("ls /tmp/later").status == "RE")
                #expect(try ask("undo", ["snapshot": 0])["snapshot"] == 0)
                let undone = try run("cat /tmp/seed file; ls folder; ls /tmp/x")
                #expect(undone.standardOutput == "sbefore\ninner\n", "\(undone)")
                #expect(try ask("undo", ["snapshot": 1])["error"] != .null)
                #expect(try ask("create")["error"] != .null)
                #expect(try ask("frobnicate")["error"] != .null)
                #expect(try ask("close")["error"] == .null)
                #expect(try run("true")["error"].string?.contains("there is no session") == true)
            }
        }
    }

    @Test func `a session that is idle uses no processor time`() throws {
        try Sandbox.use { box in
            try serve(box) { path, batch in
                let connection = try BatchConnection(path)
                #expect(try connection.ask(["op": "create", "session": "a"])["error"] == .null)
                func switches() -> [Int] {
                    ([batch.pid] + HostProcess.children(of: batch.pid)).map {
                        HostProcess.field("voluntary_ctxt_switches", of: $0) ?? -1
                    }
                }
                // Both processes are at rest when the answer was read; nothing wakes them.
                let before = switches()
                var polled = pollfd(fd: -1, events: 0, revents: 0)
                poll(&polled, 1, 300)
                #expect(switches() == before && before.count >= 2)
            }
        }
    }
}
