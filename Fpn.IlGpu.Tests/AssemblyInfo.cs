// Classes run side by side, the tests of a class one after the other. What redirects the process's output, changes its settings
// or measures what the whole process uses is marked [NonParallelizable] and runs alone.
[assembly: Parallelizable(ParallelScope.Fixtures)]
