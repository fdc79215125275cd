"""What browsers of visitors reach: numbers of pools for web pages, and the script that shows them.

A listener of its own (`listener`), which knows nothing of the control socket, with limits by
address (`rate`), the allocation (`allocation`) and `dni.js` (`script`).
"""
