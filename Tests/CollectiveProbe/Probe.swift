import Collective
@main struct P { static func main() {} }
