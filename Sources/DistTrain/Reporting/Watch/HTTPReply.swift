/// What a client asked for in HTTP/1.1, and what it gets: one reply, then the end of the connection.
package struct HTTPReply: Sendable, Equatable {
  package let status: Int
  package let reason: String
  package let type: String
  package let body: String

  package static func page(_ html: String) -> HTTPReply {
    HTTPReply(status: 200, reason: "OK", type: "text/html; charset=utf-8", body: html)
  }

  package static func failure(_ status: Int, _ reason: String, _ text: String) -> HTTPReply {
    HTTPReply(status: status, reason: reason, type: "text/plain; charset=utf-8", body: text + "\n")
  }

  /// The most bytes of a request's head.
  package static let requestLimit = 8192

  /// The reply to what has come so far; nil while the head is not complete.
  ///
  /// - Parameter page: Makes the page of a path; nil where there is none.
  package static func answer(
    _ request: [UInt8], page: (String) throws -> String?
  ) -> HTTPReply? {
    let text = String(decoding: request, as: UTF8.self)
    guard let end = text.firstRange(of: "\r\n\r\n") else {
      return request.count < requestLimit
        ? nil : .failure(431, "Request Header Fields Too Large", "the request is too long")
    }
    let lines = text[..<end.lowerBound].split(separator: "\r\n", omittingEmptySubsequences: false)
    let words = (lines.first ?? "").split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[2].hasPrefix("HTTP/1."), words[1].hasPrefix("/") else {
      return .failure(400, "Bad Request", "this is no request that is understood here")
    }
    guard words[0] == "GET" else {
      return .failure(405, "Method Not Allowed", "only GET is answered here")
    }
    guard isLocal(lines.dropFirst()) else {
      return .failure(421, "Misdirected Request", "ask for 127.0.0.1 or localhost")
    }
    let path = words[1].prefix { $0 != "?" }
    do {
      guard let html = try page(String(path)) else {
        return .failure(404, "Not Found", "there is one page here, at /")
      }
      return .page(html)
    } catch { return .failure(500, "Internal Server Error", "\(error)") }
  }

  /// A page elsewhere may give its own name the address of this host; then its script, not its reader, is asking.
  private static func isLocal(_ fields: some Sequence<Substring>) -> Bool {
    let hosts = fields.compactMap { field -> String? in
      let parts = field.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "host" else { return nil }
      return parts[1].lowercased().filter { !$0.isWhitespace }
    }
    guard hosts.count == 1 else { return false }
    let pieces = hosts[0].split(separator: ":", maxSplits: 1)
    return ["127.0.0.1", "localhost"].contains(pieces.first ?? "")
  }

  package var bytes: [UInt8] {
    let body = Array(self.body.utf8)
    let head = [
      "HTTP/1.1 \(status) \(reason)", "Content-Type: \(type)", "Content-Length: \(body.count)",
      "Cache-Control: no-store", "Connection: close", "X-Content-Type-Options: nosniff",
      "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
      "Referrer-Policy: no-referrer",
    ]
    return Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
  }
}
