internal import Logging

extension RunFolder {
  /// Makes the report of the folder's run; one that cannot be made is told and spoils nothing.
  func writeReport(_ job: borrowing Job) {
    do { job.note("report     \(try Report.write([path], to: path))") } catch {
      job.log.warning("no report: \(error); `disttrain report \(path)` tries again")
    }
  }

  /// Makes the report again where there is one, so that it does not contradict new results.
  func refreshReport(_ job: borrowing Job) {
    if InputFile.isFolder(path + "/report.html") == false { writeReport(job) }
  }
}
