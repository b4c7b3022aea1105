from app.server.serve import main

main()
