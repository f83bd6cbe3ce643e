using System.CommandLine;
using System.Globalization;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// The time from a process's start to its first detection, including compiling kernels and reading weights: how long a user
/// waits who runs a detector once.
/// </summary>
internal static class FirstDetection
{
    private const string CommandName = "first";
    private const int Processes = 3;

    /// <summary>The command that runs in the measured process.</summary>
    public static Command Create()
    {
        var options = new BenchOptions();
        var size = BenchOptions.Size("Size of the picture.");
        var command = new Command(CommandName, "Runs one detection; 'detect' runs this in separate processes.")
        {
            options.Device, options.OpenClAny, options.Model, size,
        };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            using var device = options.OpenDevice(parsed);
            var model = parsed.GetRequiredValue(options.Model);
            var pictureSize = parsed.GetValue(size) ?? new PictureSize(480, 640);
            using var detector = BenchModel.Load(device, model == BenchModel.Shipped ? null : model, pictureSize);
            var found = detector.Detect(BenchModel.Noise(pictureSize));
            Console.WriteLine(found.Count.ToString(CultureInfo.InvariantCulture));
        });
        return command;
    }

    /// <summary>Measures several processes, one after the other.</summary>
    /// <param name="model">The model to load.</param>
    /// <param name="deviceArguments">The device's name and options.</param>
    /// <returns>The time of each process, in ms.</returns>
    public static double[] Measure(BenchModel model, string[] deviceArguments)
    {
        var times = new double[Processes];
        for (var i = 0; i < Processes; i++)
        {
            Timing.Pause();
            times[i] = OwnProcess.Run(
                [CommandName, "--model", model.File ?? BenchModel.Shipped, "--size", model.Size.Argument,
                    .. deviceArguments]).MsToFirstLine;
        }
        return times;
    }

    /// <summary>Measures the same for the peer.</summary>
    /// <param name="model">The model to load.</param>
    /// <param name="start">Starts the peer.</param>
    public static double[] MeasurePeer(BenchModel model, Func<TorchvisionPeer> start)
    {
        var times = new double[Processes];
        for (var i = 0; i < Processes; i++)
        {
            Timing.Pause();
            times[i] = Timing.Ms(() => Detect(start, model));
        }
        return times;

        static void Detect(Func<TorchvisionPeer> start, BenchModel model)
        {
            // The time includes ending the peer's process, which is short.
            using var peer = start();
            model.LoadInto(peer, create: false);
            peer.Detect();
        }
    }
}
