import ArgumentParser
import Yams
import CHDF5
import Crypto
import Logging
@main struct DistTrain: ParsableCommand { func run() { print(H5open()) } }
